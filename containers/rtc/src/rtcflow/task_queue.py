"""The bursts that a task makes: in which order, how many in each step, and what each waits for."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rtcflow.burst_run import BurstRun
from rtcflow.resources import Meter
from rtcflow_archives.cdse import CDSE_CONNECTIONS
from rtcflow_contract.errors import ErrorClass, error_of
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.task import Begun
from rtcflow_scene.records import JobRecord

# Memory and work folder of a task, bytes, with static jobs, bursts fetched ahead and one being published; queue
# lengths keep to them, and `benchmarks.task` measures them.
MOST_MEMORY, MOST_WORK = 1_600_000_000, 6_000_000_000
# Bursts whose inputs are fetched, or are being fetched, ahead of the one that computes. A SAFE is read faster than ASF
# extracts; of CDSE the stack's leases decide, and on a laptop this number.
_FETCHED_AHEAD = {"asf": 3, "cdse": CDSE_CONNECTIONS}
_FETCHED_AHEAD_OF_SAFE = 2

_Suspicion = tuple[int, float]
_NONE = (0, 0.0)


class QueueLengths(NamedTuple):
    """Most bursts of a task in each step, including those that wait for the next step."""

    fetch: int
    compute: int
    write: int
    publish: int


def queue_lengths(source: str, at_once: int = 1) -> QueueLengths:
    """Queue lengths for the source of a task's scene and a number of bursts that compute at once."""
    ahead = _FETCHED_AHEAD.get(source, _FETCHED_AHEAD_OF_SAFE)
    return QueueLengths(ahead + at_once - 1, at_once, at_once, 1)


class TaskBurst:
    """A burst in the loop, and its progress.

    `static` makes the static product that it links to, `same` is an earlier burst for the same product, and `after` a
    static product whose layers must be out of memory before it computes.
    """

    def __init__(
        self,
        number: int,
        record: JobRecord,
        static: "TaskBurst | None",
        same: "TaskBurst | None",
        after: "TaskBurst | None",
    ) -> None:
        self.number = number
        self.record = record
        self.job = record.job
        self.static = static
        self.same = same
        self.after = after
        self.meter = Meter()
        self.run: BurstRun
        self.grid: Grid | None = None
        self.grid_known = threading.Event()
        self.written = threading.Event()
        self.ended = threading.Event()
        self.started: datetime | None = None
        self.begun: Begun
        self.outcome: BurstOutcome | None = None
        self.lock = threading.Lock()

    @property
    def alone(self) -> bool:
        """Whether it must run alone, so that if the process dies it is known which burst was the cause."""
        return self.record.taken_down > 0

    def job_on_grid_of_static(self) -> BurstJob:
        """The job on the grid of the static product made in the same task."""
        if self.static is None or self.static.grid is None:
            return self.job
        return self.job.model_copy(update={"grid": self.static.grid})

    def refuse_without_static(self) -> None:
        """Raise an error of the static product's class if that failed."""
        made = self.static.outcome if self.static is not None else None
        if made is not None and made.outcome is Outcome.FAILED:
            raise error_of(
                made.error_class or ErrorClass.DEFECT,
                "not started, its static layers could not be made",
                "not-started",
            )


def line_up(records: Sequence[JobRecord], at_once: int) -> list[TaskBurst]:
    """The bursts of a task that are still to be made, in order, of which `at_once` compute at the same time."""
    bursts: list[TaskBurst] = []
    for number, record in enumerate(_in_order(records)):
        # Every pass of a track has a job for its static product: the last one before a burst is that of its own pass.
        last = {burst.job.destination: burst for burst in bursts}
        links_to = record.job.linked_static
        static = last.get(links_to) if links_to is not None else None
        before = bursts[number - at_once] if number >= at_once else None
        after = before if before is not None and before.job.product is Product.RTC_S1_STATIC else None
        bursts.append(TaskBurst(number, record, static, last.get(record.job.destination), after))
    return bursts


def _in_order(records: Sequence[JobRecord]) -> list[JobRecord]:
    """The bursts to make, in the order of the task, except that bursts with which an attempt died come last.

    Of several bursts in progress, the one that began to compute last is the likeliest cause, and those that were still
    fetching inputs are the least likely. A burst that links to the static product of a job of the task comes after it.
    """
    due = [record for record in records if record.left]
    suspicion: dict[Location, _Suspicion] = {}
    for record in due:
        # Two passes may each have a job for the static product of their burst.
        at = record.job.destination
        suspicion[at] = max(_suspicion(record), suspicion.get(at, _NONE))

    def rank(record: JobRecord) -> _Suspicion:
        own = suspicion[record.job.destination]
        static = record.job.linked_static
        return max(own, suspicion.get(static, own)) if static is not None else own

    return sorted(due, key=rank)


def _suspicion(record: JobRecord) -> _Suspicion:
    begun = record.begun
    if not record.taken_down or begun is None:
        return _NONE
    return (1, begun.started.timestamp()) if begun.computing is None else (2, begun.computing.timestamp())
