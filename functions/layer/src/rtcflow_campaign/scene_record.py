"""Build the record of a campaign's scene from the reports of its attempts: pure functions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rtcflow_campaign.attempts import Attempt, Decision, Next
from rtcflow_campaign.scene_failure import SceneFailure, failed_bursts, failure_of
from rtcflow_contract.campaign import AttemptRecord, Item, SceneRecord, SceneState
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product
from rtcflow_contract.report import Outcome, SceneReport

_STATES = {
    Decision.DONE: SceneState.SUCCEEDED,
    Decision.FAILED: SceneState.FAILED,
    Decision.LEFT: SceneState.LEFT,
}


def record_scene(
    item: Item,
    following: Next,
    attempts: Sequence[Attempt],
    reports: Mapping[str, SceneReport],
    before: SceneRecord | None = None,
    problem: str = "",
) -> SceneRecord:
    """Combine the reports of a scene's attempts.

    Parameters
    ----------
    item : Item
    following : Next
        The final decision: done, failed or left.
    attempts : sequence of Attempt
        Attempts up to the one decided about.
    reports : mapping
        Report by attempt; missing for attempts that were stopped and reports that were deleted.
    before : SceneRecord or None
        The record of earlier starts, whose attempts stay in it.
    problem : str
        Why the last attempt could not be started, if it could not.
    """
    asked = Product(item.payload.get("product") or Product.RTC_S1)
    tried = {one.execution: one for one in before.tried} if before else {}
    tried |= {name: _attempt(name, report, asked) for name, report in reports.items()}
    last = reports.get(attempts[-1].name) if attempts else None
    latest = next((tried[a.name] for a in reversed(attempts) if a.name in tried), None)
    failed = failed_bursts(last)
    collection = last.collection if last else before.collection if before else ""
    return SceneRecord(
        name=item.name,
        scene=str(item.payload["scene"]),
        product=asked,
        collection=collection or str(item.payload.get("collection") or ""),
        state=_STATES[following.decision],
        execution=attempts[-1].name if attempts else None,
        attempts=max(
            before.attempts if before else 0,
            *(number if attempt.execution else 0 for number, attempt in enumerate(attempts, start=1)),
            0,
        ),
        products=latest.products if latest else 0,
        made=sum(one.made for one in tried.values()),
        static_made=sum(one.static_made for one in tried.values()),
        failed=len(failed),
        failures=dict(Counter(burst.error_class or ErrorClass.DEFECT for burst in failed)),
        seconds=sum(one.seconds for one in tried.values()),
        cost_usd=sum(one.cost_usd for one in tried.values()),
        started=min((one.started for one in tried.values() if one.started), default=None),
        finished=max((one.finished for one in tried.values() if one.finished), default=None),
        tried=tuple(tried.values()),
        **_why(following, attempts, last, before, problem),
    )


def _attempt(name: str, report: SceneReport, asked: Product) -> AttemptRecord:
    bursts = (*report.bursts, *report.static_bursts)
    made = [burst for burst in bursts if burst.outcome is Outcome.MADE]
    return AttemptRecord(
        execution=name,
        products=sum(burst.outcome is not Outcome.FAILED for burst in report.bursts),
        made=sum(burst.product is asked for burst in made),
        static_made=sum(burst.product is not asked for burst in made),
        seconds=sum(burst.seconds or 0.0 for burst in made),
        cost_usd=report.cost_usd or 0.0,
        started=report.started,
        finished=report.finished,
    )


def _why(
    following: Next,
    attempts: Sequence[Attempt],
    last: SceneReport | None,
    before: SceneRecord | None,
    problem: str,
) -> dict[str, Any]:
    """Class, reason and message of a failed scene; those of before for a scene that is not retried."""
    if following.decision is not Decision.FAILED:
        return {}
    execution = attempts[-1].execution
    if execution is None and following.why and before and before.error_class:
        failure = SceneFailure(before.error_class, before.reason, before.message)
    else:
        failure = failure_of(execution, last, problem)
    behind = f" ({following.why})" if following.why and following.why not in failure.message else ""
    return failure._replace(message=failure.message + behind)._asdict()
