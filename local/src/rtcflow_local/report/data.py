"""Data of a run report."""

from dataclasses import dataclass, field
from datetime import datetime

from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import BurstOutcome, Outcome, SceneReport
from rtcflow_local.report.burst_progress import BurstProgress
from rtcflow_local.report.execution import ExecutionState


@dataclass(frozen=True)
class BurstDetail:
    """All data of a burst: `record` always, the others if they exist.

    `folder` is that of its product, `run` the records of its task, `browse` the browse image as PNG.
    """

    record: BurstOutcome
    run: BurstProgress | None = None
    folder: Location | None = None
    manifest: Manifest | None = None
    browse: bytes | None = None

    @property
    def key(self) -> str:
        """Anchor within the page."""
        return f"{self.record.product.value}-{self.record.burst_id}"

    @property
    def under_way(self) -> bool:
        """Whether neither a record nor an outcome exists yet."""
        return self.run is not None and self.run.outcome is None and not self.run.ended


@dataclass(frozen=True)
class ReportData:
    """An execution with its plan, its scene report and its bursts, static ones first."""

    execution: ExecutionState
    made: datetime
    bursts: tuple[BurstDetail, ...] = ()
    plan: Plan | None = None
    scene_report: SceneReport | None = None
    products_href: str | None = field(default=None)

    def count(self, outcome: Outcome) -> int:
        """Bursts of an outcome, including static ones."""
        return sum(burst.record.outcome is outcome and not burst.under_way for burst in self.bursts)

    @property
    def product(self) -> Product:
        """The requested product."""
        if self.plan is not None:
            return self.plan.request.product
        name = self.execution.payload.get("product")
        return Product(name) if name in list(Product) else Product.RTC_S1
