"""The record of a processed scene, beside the products: the last outcome of each of its bursts, over all runs."""

from collections.abc import Iterable

from pydantic import AwareDatetime

from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product
from rtcflow_contract.model import FrozenModel
from rtcflow_contract.report import Outcome, SceneReport


class ProcessedBurst(FrozenModel):
    """The last outcome of a burst in a collection; `item` is the location of its product's STAC item."""

    collection: str
    product: Product
    burst_id: BurstId
    outcome: Outcome
    execution: str
    finished: AwareDatetime
    item: str | None = None
    error_class: ErrorClass | None = None
    reason: str | None = None
    message: str | None = None


class ProcessedScene(FrozenModel):
    """Bursts of a scene that were asked for, by collection and burst id; `updated` is when the last run ended."""

    version: int = 1
    scene: str
    updated: AwareDatetime
    bursts: tuple[ProcessedBurst, ...]


def with_report(
    before: ProcessedScene | None, report: SceneReport, collections: dict[Product, str]
) -> ProcessedScene:
    """A scene's record, updated from the report of another run.

    A product that was skipped because it exists keeps the entry of the run that made it.

    Parameters
    ----------
    before : ProcessedScene or None
        The existing record.
    report : SceneReport
    collections : dict
        Collection by product.
    """
    bursts = {(one.collection, one.burst_id): one for one in (before.bursts if before else ())}
    for new in _bursts_of(report, collections):
        key = (new.collection, new.burst_id)
        known = bursts.get(key)
        if new.outcome is not Outcome.SKIPPED or known is None or known.outcome is Outcome.FAILED:
            bursts[key] = new
    return ProcessedScene(
        scene=report.scene, updated=report.finished, bursts=tuple(bursts[key] for key in sorted(bursts))
    )


def _bursts_of(report: SceneReport, collections: dict[Product, str]) -> Iterable[ProcessedBurst]:
    for burst in (*report.static_bursts, *report.bursts):
        yield ProcessedBurst(
            collection=collections[burst.product],
            product=burst.product,
            burst_id=burst.burst_id,
            outcome=burst.outcome,
            execution=report.execution,
            finished=burst.finished or report.finished,
            item=burst.item,
            error_class=burst.error_class,
            reason=burst.reason,
            message=burst.message,
        )
