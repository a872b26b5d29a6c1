"""Progress of each burst of an execution, from the records of its task."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.stored import read_stored
from rtcflow_contract.task import Begun, Task, is_of
from rtcflow_files import storage
from rtcflow_local.report.history import TaskHistory


@dataclass(frozen=True)
class BurstProgress:
    """Progress of a burst: `begun` and `record` are None if not written yet, `ended` if no more will come."""

    burst_id: str
    product: Product
    task: int
    begun: Begun | None = None
    record: BurstOutcome | None = None
    ended: bool = False

    @property
    def in_hand(self) -> bool:
        """Whether a task works on it, or was lost while working on it."""
        return not is_of(self.record, self.begun)

    @property
    def outcome(self) -> Outcome | None:
        """Made, skipped or failed; None while in progress, or if it will be tried again."""
        if self.record is None or self.in_hand:
            return None
        again = self.record.error_class == "transient" or (
            self.record.outcome is not Outcome.FAILED and self.record.item is None
        )
        return None if again and not self.ended else self.record.outcome

    @property
    def state(self) -> str:
        """Its state in a word."""
        if self.outcome is not None:
            return self.outcome.value
        if self.in_hand:
            return "under way"
        return "waiting" if self.record is None else "no item yet" if self.record.item is None else "to retry"

    @property
    def message(self) -> str:
        """Why it or its last attempt failed."""
        return (self.record.message or "") if self.record and not self.in_hand else ""

    @property
    def attempts(self) -> int:
        """Attempts of its task that began it."""
        known = (self.begun.attempt if self.begun else 0, self.record.attempt if self.record else 0)
        return max(known)

    @property
    def started(self) -> datetime | None:
        """When its last attempt began."""
        if self.in_hand and self.begun is not None:
            return self.begun.started
        return self.record.started if self.record else None

    @property
    def finished(self) -> datetime | None:
        """When that ended."""
        return self.record.finished if self.record and not self.in_hand else None

    def seconds(self, now: datetime) -> float:
        """Wall time of its last attempt."""
        return max(0.0, ((self.finished or now) - self.started).total_seconds()) if self.started else 0.0


class BurstRecords:
    """Reads the records of an execution's bursts, only those that changed; `s3` is a client."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self._jobs: dict[str, tuple[BurstJob, ...]] = {}
        self._read: dict[tuple[str, int], BaseModel | None] = {}

    def read(self, tasks: Mapping[str, TaskHistory], ended: bool) -> list[BurstProgress]:
        """Every burst of the tasks, in order; an unreadable object counts as missing."""
        found = []
        for task in sorted(tasks.values(), key=lambda task: task.number):
            for job in self._jobs_of(task.uri):
                sizes = self._sizes(job.work)
                run = BurstProgress(job.burst_id, job.product, task.number)
                begun = self._record(job.work, keys.BEGUN, sizes, Begun)
                record = self._record(job.work, keys.OUTCOME, sizes, BurstOutcome)
                found.append(replace(run, begun=begun, record=record, ended=ended or task.ended))
        return found

    def _jobs_of(self, uri: str) -> tuple[BurstJob, ...]:
        # The static check may add jobs to a task until it runs; after that it does not change.
        if uri not in self._jobs:
            try:
                data = storage.read_bytes(keys.parse_s3_uri(uri), self._s3)
                self._jobs[uri] = read_stored(Task, data, uri).jobs
            except (NotFoundError, RefusedError):
                return ()
        return self._jobs[uri]

    def _sizes(self, folder: keys.Location) -> dict[str, int]:
        try:
            return {entry.name: entry.size for entry in storage.list_objects(folder, self._s3)}
        except (NotFoundError, RefusedError):
            return {}

    def _record(self, folder: keys.Location, name: str, sizes: Mapping[str, int], model: type[Any]) -> Any:
        if name not in sizes:
            return None
        key = (str(folder.join(name)), sizes[name])
        if key not in self._read:
            try:
                data = storage.read_bytes(folder.join(name), self._s3)
                self._read[key] = read_stored(model, data, folder)
            except (NotFoundError, RefusedError):
                return None
        return self._read[key]
