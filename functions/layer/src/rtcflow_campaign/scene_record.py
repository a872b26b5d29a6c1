"""The record of a campaign's scene, from the reports of its attempts: pure functions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rtcflow_campaign.attempts import Attempt, Decision
from rtcflow_contract.campaign import Item, SceneRecord, SceneState
from rtcflow_contract.errors import ErrorClass, error_class_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome, SceneReport

_STATES = {
    Decision.DONE: SceneState.SUCCEEDED,
    Decision.FAILED: SceneState.FAILED,
    Decision.LEFT: SceneState.LEFT,
}
# What an operator reads about first when bursts of a scene failed for several reasons.
_GRAVEST = (ErrorClass.DEFECT, ErrorClass.REFUSED, ErrorClass.TRANSIENT)
_LONGEST = 500


def record_scene(
    item: Item,
    decision: Decision,
    attempts: Sequence[Attempt],
    reports: Mapping[str, SceneReport],
    problem: str = "",
) -> SceneRecord:
    """Put together what the attempts left.

    Parameters
    ----------
    item : Item
    decision : Decision
        An end: done, failed or left.
    attempts : sequence of Attempt
        Those up to the one decided about.
    reports : mapping
        Report by attempt; one that was stopped has none.
    problem : str
        Why the last attempt could not be started, if so.
    """
    made = [
        burst
        for report in reports.values()
        for burst in (*report.bursts, *report.static_bursts)
        if burst.outcome is Outcome.MADE
    ]
    asked = Product(item.payload.get("product") or Product.RTC_S1)
    last = reports.get(attempts[-1].name) if attempts else None
    latest = next((reports[a.name] for a in reversed(attempts) if a.name in reports), None)
    failed = [burst for burst in _all(last) if burst.outcome is Outcome.FAILED]
    return SceneRecord(
        name=item.name,
        scene=str(item.payload["scene"]),
        product=asked,
        collection=latest.collection if latest else str(item.payload.get("collection") or ""),
        state=_STATES[decision],
        execution=attempts[-1].name if attempts else None,
        attempts=sum(attempt.execution is not None for attempt in attempts),
        products=sum(burst.outcome is not Outcome.FAILED for burst in latest.bursts) if latest else 0,
        made=sum(burst.product is asked for burst in made),
        static_made=sum(burst.product is not asked for burst in made),
        failed=len(failed),
        failures=dict(Counter(burst.error_class or ErrorClass.DEFECT for burst in failed)),
        seconds=sum(burst.seconds or 0.0 for burst in made),
        cost_usd=sum(report.cost_usd or 0.0 for report in reports.values()),
        started=min((report.started for report in reports.values()), default=None),
        finished=max((report.finished for report in reports.values()), default=None),
        **_failure(decision, attempts, last, failed, problem),
    )


def _all(report: SceneReport | None) -> list[BurstOutcome]:
    return [*report.bursts, *report.static_bursts] if report else []


def _failure(
    decision: Decision,
    attempts: Sequence[Attempt],
    report: SceneReport | None,
    failed: Sequence[BurstOutcome],
    problem: str,
) -> dict[str, Any]:
    """Class, reason and sentence of a scene that failed."""
    if decision is not Decision.FAILED:
        return {}
    gravest = min(
        failed, key=lambda burst: _GRAVEST.index(burst.error_class or ErrorClass.DEFECT), default=None
    )
    if gravest is not None:
        return {
            "error_class": gravest.error_class or ErrorClass.DEFECT,
            "reason": gravest.reason or "burst-failed",
            "message": (gravest.message or "")[:_LONGEST],
        }
    execution = attempts[-1].execution
    if execution is None:
        return {
            "error_class": ErrorClass.TRANSIENT,
            "reason": "not-started",
            "message": f"the execution could not be started: {problem}"[:_LONGEST],
        }
    if report is None and execution.status != "FAILED":
        return {
            "error_class": ErrorClass.TRANSIENT,
            "reason": execution.status.lower().replace("_", "-"),
            "message": f"the execution ended as {execution.status} and left no report",
        }
    return {
        "error_class": error_class_of_name(execution.error),
        "reason": execution.error,
        "message": (report.message if report else execution.cause)[:_LONGEST],
    }
