"""What became of a burst, of a task and of a scene: the records that the run report and the operators read."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Outcome(StrEnum):
    """Outcome of a burst: `skipped` means its product existed."""

    MADE = "made"
    SKIPPED = "skipped"
    FAILED = "failed"


class BurstOutcome(_Model):
    """What became of one burst.

    `item` and `manifest` are S3 URIs of a product that exists. `attempt` is the attempt of its task that ended it, from
    1; 0 where none was started for it. `started`, `finished`, `seconds` (wall time), `bytes_fetched` and
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

    `id` is that of its last container at ECS, `attempts` their number, `capacity` where the last one ran; `bursts`
    counts the bursts that it ended, static products with them, `started` and `finished` are of the first and the last
    container.
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
    """`failed` when any burst failed, or when the scene never got to its bursts."""

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
        """Number of bursts of the asked product with an outcome."""
        return sum(burst.outcome is outcome for burst in self.bursts)
