"""The record of a campaign's scene, from the reports of its attempts: pure functions."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rtcflow_campaign.attempts import Attempt, Decision
from rtcflow_campaign.scene_failure import failed_bursts, failure_of
from rtcflow_contract.campaign import Item, SceneRecord, SceneState
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
    failed = failed_bursts(last)
    failure = failure_of(attempts[-1].execution, last, problem) if decision is Decision.FAILED else None
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
        **(failure._asdict() if failure else {}),
    )
