"""The outcome of each burst, from its task's records and the state machine's error: pure functions."""

from collections.abc import Iterable, Sequence

from rtcflow_contract.errors import ErrorClass, error_class_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import ExistingBurst
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_scene.failure_text import StateFailure
from rtcflow_scene.records import JobRecord


def outcome_of(record: JobRecord, failure: StateFailure | None) -> BurstOutcome:
    """Outcome of a burst at the end of its scene.

    Parameters
    ----------
    record : JobRecord
    failure : StateFailure or None
        Error in the state machine of the burst's task, or of the scene before it.
    """
    job, known = record.job, record.outcome
    if record.in_hand or known is None:
        begun = record.begun.attempt if record.begun else 0
        why = (
            "the execution ended while it was made" if begun else "not started, the execution ended before it"
        )
        return BurstOutcome(
            burst_id=job.burst_id,
            product=job.product,
            outcome=Outcome.FAILED,
            attempt=begun,
            error_class=error_class_of_name(failure.error if failure else ""),
            reason="cut-off" if begun else "not-started",
            message=why,
        )
    if known.outcome is not Outcome.FAILED and known.item is None:
        why = failure.message if failure else "it was not written"
        return known.model_copy(
            update={
                "outcome": Outcome.FAILED,
                "error_class": error_class_of_name(failure.error) if failure else ErrorClass.DEFECT,
                "reason": "item",
                "message": f"STAC item: {why}"[:300],
            }
        )
    return known


def existing(bursts: Iterable[ExistingBurst], product: Product) -> list[BurstOutcome]:
    """Outcomes of the bursts that the plan left out because their product exists."""
    return [
        BurstOutcome(burst_id=b.burst_id, product=product, outcome=Outcome.SKIPPED, attempt=0, item=b.item)
        for b in bursts
    ]


def sentence(bursts: Iterable[BurstOutcome], statics: Iterable[BurstOutcome], most: int = 10) -> str:
    """The outcome of a scene in a sentence that names failed bursts with reasons."""
    bursts, statics = list(bursts), list(statics)
    counts = _counts(bursts) or "no burst to make"
    if statics:
        counts += f" (static layers: {_counts(statics)})"
    failed = [burst for burst in [*statics, *bursts] if burst.outcome is Outcome.FAILED]
    if not failed:
        return counts
    named = "; ".join(
        f"{burst.burst_id} ({burst.product.value}) {burst.error_class}: {burst.message}"[:300]
        for burst in failed[:most]
    )
    more = f"; and {len(failed) - most} more" if len(failed) > most else ""
    return f"{counts}. {named}{more}"


def _counts(bursts: Sequence[BurstOutcome]) -> str:
    numbers = ((sum(burst.outcome is outcome for burst in bursts), outcome.value) for outcome in Outcome)
    return ", ".join(f"{number} {name}" for number, name in numbers if number)
