"""What a task leaves of its bursts for the next attempt, and what it finds there of the one before."""

from collections.abc import Sequence
from typing import NamedTuple

from rtcflow.threads import Pool
from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import BEGUN, OUTCOME, Location
from rtcflow_contract.report import BurstOutcome
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_contract.task import MOST_TAKEN_DOWN, Begun, is_left, is_of
from rtcflow_files import storage

_PARALLEL = 8


class Record(NamedTuple):
    """A job with what earlier attempts left of it."""

    job: BurstJob
    begun: Begun | None = None
    outcome: BurstOutcome | None = None

    @property
    def taken_down(self) -> int:
        """How often in a row an attempt began the burst and died before its end."""
        return self.begun.times if self.begun is not None and not is_of(self.outcome, self.begun) else 0

    @property
    def ended(self) -> BurstOutcome | None:
        """The outcome, where it stands for good: no attempt after it is to make the burst."""
        return None if self.taken_down or is_left(self.outcome) else self.outcome

    @property
    def is_given_up(self) -> bool:
        """Whether the burst took its task down as often as it may."""
        return self.taken_down >= MOST_TAKEN_DOWN


def in_order(records: Sequence[Record]) -> list[Record]:
    """What is to be made, in the order to make it: as in the task, but what an attempt died with comes last.

    Of several that it had in hand, the one that began to compute last is the likeliest cause, and those whose inputs
    were still fetched the least likely. A burst that links to the static product of a job of the task comes after it.
    """
    due = [record for record in records if record.ended is None]
    suspicion = {record.job.destination: _suspicion(record) for record in due}

    def rank(record: Record) -> "_Suspicion":
        own = suspicion[record.job.destination]
        static = record.job.linked_static
        return max(own, suspicion.get(static, own)) if static is not None else own

    return sorted(due, key=rank)


_Suspicion = tuple[int, float]


def _suspicion(record: Record) -> _Suspicion:
    begun = record.begun
    if not record.taken_down or begun is None:
        return 0, 0.0
    return (1, begun.started.timestamp()) if begun.computing is None else (2, begun.computing.timestamp())


def read_records(jobs: Sequence[BurstJob]) -> list[Record]:
    """Read what earlier attempts left of each job."""
    with Pool(_PARALLEL) as pool:
        return list(pool.map(_read, jobs))


def write_begun(job: BurstJob, begun: Begun) -> None:
    """Say that a burst has begun."""
    storage.write_bytes(job.work.join(BEGUN), begun.model_dump_json().encode())


def write_outcome(job: BurstJob, outcome: BurstOutcome) -> None:
    """Say what became of a burst."""
    storage.write_bytes(job.work.join(OUTCOME), outcome.model_dump_json(indent=2).encode())


def _read(job: BurstJob) -> Record:
    begun, outcome = (_data(job.work.join(name)) for name in (BEGUN, OUTCOME))
    try:
        return Record(
            job,
            read_stored(Begun, begun, BEGUN) if begun is not None else None,
            read_stored(BurstOutcome, outcome, OUTCOME) if outcome is not None else None,
        )
    except UnreadableError:
        # Cut off, or of another format: it says nothing.
        return Record(job)


def _data(at: Location) -> bytes | None:
    try:
        return storage.read_bytes(at)
    except NotFoundError:
        return None
