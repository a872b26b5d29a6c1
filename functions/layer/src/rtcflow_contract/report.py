"""Outcomes of bursts, tasks and scenes, for operators and the run report."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Outcome(StrEnum):
    """Outcome of a burst; `skipped` means that its product existed."""

    MADE = "made"
    SKIPPED = "skipped"
    FAILED = "failed"


class BurstOutcome(_Model):
    """The outcome of one burst.

    `item` and `manifest` are S3 URIs of an existing product. `attempt` is the attempt of the task that finished the
    burst, from 1; 0 if none was started. `started`, `finished`, `seconds` (wall time), `bytes_fetched` and
    `bytes_written` are the burst's own; `task_cpu_seconds` and `task_peak_memory_bytes` are those of the whole process
    when the burst ended. `cost_usd` is its share of its task's cost.
    """

    burst_id: BurstId
    product: Product
    outcome: Outcome
    attempt: int = 1
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    error_class: ErrorClass | None = None
    reason: str | None = None
    message: str | None = None
    manifest: str | None = None
    item: str | None = None
    seconds: float | None = None
    bytes_fetched: int | None = None
    bytes_written: int | None = None
    task_cpu_seconds: float | None = None
    task_peak_memory_bytes: int | None = None
    cost_usd: float | None = None


class TaskReport(_Model):
    """A container task of a scene.

    `id` is the ECS id of its last container, `attempts` the number of containers, `capacity` where the last one ran.
    `bursts` counts the bursts that it finished, static products included. `started` and `finished` are the start of the
    first and the end of the last container.
    """

    number: int
    id: str = ""
    attempts: int
    capacity: str
    bursts: int
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    seconds: float | None = None
    cost_usd: float | None = None


class SceneOutcome(StrEnum):
    """`failed` if any burst failed, or the scene failed before its bursts."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class SceneReport(_Model):
    """Report of one execution."""

    version: int = 1
    execution: str
    scene: str
    product: Product
    collection: str
    started: AwareDatetime
    finished: AwareDatetime
    outcome: SceneOutcome
    message: str
    bursts: tuple[BurstOutcome, ...]
    static_bursts: tuple[BurstOutcome, ...] = ()
    tasks: tuple[TaskReport, ...] = ()
    cost_usd: float | None = None

    def count(self, outcome: Outcome) -> int:
        """Number of bursts of the requested product with an outcome."""
        return sum(burst.outcome is outcome for burst in self.bursts)
