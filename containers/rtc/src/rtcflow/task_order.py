"""The order in which a task makes its bursts, given the records of earlier attempts: a pure decision."""

from collections.abc import Sequence

from rtcflow_contract.keys import Location
from rtcflow_scene.records import JobRecord

_Suspicion = tuple[int, float]
_NONE = (0, 0.0)


def in_order(records: Sequence[JobRecord]) -> list[JobRecord]:
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
