"""Records of each job in the work bucket, which containers write and the states after them read."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.report import BurstOutcome
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_contract.task import MOST_TAKEN_DOWN, Begun, Task, is_left, is_of, parse_task
from rtcflow_files import storage

_Model = TypeVar("_Model", bound=BaseModel)
_PARALLEL = 8


class JobRecord(NamedTuple):
    """A job with its records, both None before its first start."""

    job: BurstJob
    begun: Begun | None = None
    outcome: BurstOutcome | None = None

    @property
    def in_hand(self) -> bool:
        """Whether its last start has no outcome; outcomes of earlier starts do not count."""
        return not is_of(self.outcome, self.begun)

    @property
    def left(self) -> bool:
        """Whether the next attempt has to make it."""
        return self.in_hand or is_left(self.outcome)

    @property
    def taken_down(self) -> int:
        """Number of consecutive attempts that began the burst and died before its end."""
        return self.begun.times if self.begun is not None and self.in_hand else 0

    @property
    def is_given_up(self) -> bool:
        """Whether the burst has taken its task down as often as is allowed."""
        return self.taken_down >= MOST_TAKEN_DOWN


def read_task(uri: str) -> Task:
    """The task at an S3 URI or a path; RefusedError if it is not a task."""
    return parse_task(storage.read_bytes(keys.parse_location(uri)))


def write_task(task: Task, work: str | keys.Location) -> keys.Location:
    """Store a task; the same task gives the same bytes."""
    at = keys.task_key(work, task.execution, task.number)
    storage.write_bytes(at, task.model_dump_json(indent=1).encode())
    return at


def read_records(jobs: Sequence[BurstJob]) -> list[JobRecord]:
    """The records of every job, in the order of the jobs."""
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return list(pool.map(_record_of, jobs))


def write_begun(job: BurstJob, begun: Begun) -> None:
    """Record that a burst has begun."""
    storage.write_bytes(job.work.join(keys.BEGUN), begun.model_dump_json().encode())


def write_outcome(job: BurstJob, outcome: BurstOutcome) -> JobRecord:
    """Record the outcome of a job."""
    storage.write_bytes(job.work.join(keys.OUTCOME), outcome.model_dump_json(indent=1).encode())
    return JobRecord(job, None, outcome)


def _record_of(job: BurstJob) -> JobRecord:
    return JobRecord(job, _read(job, keys.BEGUN, Begun), _read(job, keys.OUTCOME, BurstOutcome))


def _read(job: BurstJob, name: str, model: type[_Model]) -> _Model | None:
    """A record; None if it is missing, or cut off because its writer died."""
    at = job.work.join(name)
    try:
        return read_stored(model, storage.read_bytes(at), at)
    except (NotFoundError, UnreadableError):
        return None
