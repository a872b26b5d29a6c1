"""One outcome a burst, from what the state machine saw and what the container left: pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import ExistingBurst
from rtcflow_contract.report import BurstOutcome, Outcome


def merge(result: Mapping[str, Any], left: BurstOutcome | None, product: Product) -> BurstOutcome:
    """Outcome of a burst.

    Parameters
    ----------
    result : mapping
        The burst's result of the Map: `burst_id`, `outcome`, `attempts`, and of a failed one `error_class`, `message`.
    left : BurstOutcome or None
        The record that the container left, which knows resources, reason and the full sentence; None when it could
        leave none.
    product : Product
    """
    outcome = Outcome(result["outcome"])
    if outcome is not Outcome.FAILED:
        made = left
        if made is None or made.outcome is Outcome.FAILED:
            made = BurstOutcome(burst_id=result["burst_id"], product=product, outcome=outcome)
        return made.model_copy(
            update={"attempts": result["attempts"], "item": result.get("item") or made.item}
        )
    told = left if left is not None and left.outcome is Outcome.FAILED else None
    error_class = ErrorClass(result["error_class"])
    # A record of an earlier attempt does not explain why a later one was killed.
    if told is not None and told.error_class is error_class:
        return told.model_copy(update={"attempts": result["attempts"]})
    return BurstOutcome(
        burst_id=result["burst_id"],
        product=product,
        outcome=Outcome.FAILED,
        attempts=result["attempts"],
        error_class=error_class,
        reason=error_class.value,
        message=result["message"],
        seconds=left.seconds if left else None,
        bytes_fetched=left.bytes_fetched if left else None,
        bytes_written=left.bytes_written if left else None,
    )


def existing(bursts: Iterable[ExistingBurst], product: Product) -> list[BurstOutcome]:
    """Outcomes of the bursts that the plan dropped because their product exists."""
    return [
        BurstOutcome(burst_id=b.burst_id, product=product, outcome=Outcome.SKIPPED, attempts=0, item=b.item)
        for b in bursts
    ]


def not_started(
    burst_ids: Iterable[str], product: Product, why: str, error_class: ErrorClass
) -> list[BurstOutcome]:
    """Outcomes of bursts that no task was started for."""
    return [
        BurstOutcome(
            burst_id=burst_id,
            product=product,
            outcome=Outcome.FAILED,
            attempts=0,
            error_class=error_class,
            reason="not-started",
            message=why,
        )
        for burst_id in burst_ids
    ]


def sentence(bursts: Iterable[BurstOutcome], statics: Iterable[BurstOutcome], most: int = 10) -> str:
    """What became of a scene, in a sentence that names failed bursts and why."""
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
