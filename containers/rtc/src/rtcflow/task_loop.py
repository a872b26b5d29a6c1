"""Run the jobs of a task in one process: while a burst computes, others are fetched and published.

One burst does not take the others down: a failure is the outcome of its burst only; the start of each burst is
recorded, so that the next attempt knows which burst a dead process worked on; and time limits also work in compiled
code.
"""

import logging
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from rtcflow.burst_run import BurstResult, BurstRun
from rtcflow.destination import Destination
from rtcflow.machine_errors import as_contract_error, stopped
from rtcflow.pipeline import Line, Step
from rtcflow.progress import Progress
from rtcflow.resources import peak_memory_bytes, process_cpu_seconds
from rtcflow.sources.shared import Shared
from rtcflow.task_queue import TaskBurst, line_up, queue_lengths
from rtcflow.watchdog import Watchdog
from rtcflow_contract.errors import DefectError, RtcflowError, TransientError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.task import Begun
from rtcflow_scene.records import JobRecord, write_begun, write_outcome

_log = logging.getLogger("rtcflow-burst.task")


class Watcher(Protocol):
    """Is told of each burst's start and end, in the thread that works for it."""

    def begins(self, job: BurstJob) -> Progress:
        """A burst begins; returns the callable for its progress."""

    def ends(self, job: BurstJob, outcome: BurstOutcome, error: BaseException | None) -> None:
        """A burst ended, with the error if it failed."""


class TaskSettings(NamedTuple):
    """How a task runs.

    `work` is a folder for unfinished files, `attempt` the number of this attempt, `limit_s` the time limit of a burst,
    s, `compute_at_once` the number of bursts that compute at the same time. `finish` is called for each existing
    product, and returns the final outcome.
    """

    work: Path
    attempt: int = 1
    limit_s: float | None = None
    compute_at_once: int = 1
    finish: Callable[[BurstJob, BurstOutcome], BurstOutcome] | None = None


class TaskLoop:
    """Makes the bursts of a task that are still to be made.

    Parameters
    ----------
    records : sequence of JobRecord
        Every job of the task, with the records of earlier attempts.
    destination : callable
        Where a job's product goes.
    watcher : Watcher
    settings : TaskSettings
    """

    def __init__(
        self,
        records: Sequence[JobRecord],
        destination: Callable[[BurstJob], Destination],
        watcher: Watcher,
        settings: TaskSettings,
    ) -> None:
        self._records = records
        self._destination = destination
        self._watcher = watcher
        self._settings = settings
        self._shared = Shared(settings.work / "shared")
        self._watchdog = Watchdog()
        self._aborted = False
        at_once = settings.compute_at_once
        self._bursts = line_up(records, at_once)
        lengths = queue_lengths(records[0].job.sources.scene if records else "", at_once)
        steps = [
            Step("fetch", self._fetch, lengths.fetch, interruptible=True),
            Step("compute", self._compute, lengths.compute),
            Step("write", self._write, lengths.write),
            Step("publish", self._publish, lengths.publish),
        ]
        self._line: Line[TaskBurst] = Line(steps)

    def run(self) -> list[BurstOutcome]:
        """Make the remaining bursts; returns the outcome of every job of the task, in order.

        After `stop`, bursts that have not started to compute end as transient, with reason `left`.
        """
        self._line.run(self._bursts)
        self.leave()
        made = {id(burst.record): burst.outcome for burst in self._bursts}
        outcomes = [made.get(id(record), record.outcome) for record in self._records]
        return [outcome for outcome in outcomes if outcome is not None]

    @property
    def was_stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._line.stopped

    def stop(self) -> None:
        """Finish the bursts that compute or have computed, and leave the others."""
        self._line.stop()

    def abort(self, patience_s: float) -> bool:
        """Give up everything except bursts being written or published; returns False if those do not end in time."""
        self._aborted = True
        self._line.stop()
        return self._line.settle(patience_s)

    def leave(self) -> None:
        """Mark every unfinished burst as left for the next attempt."""
        for burst in self._bursts:
            self._end(burst, None, _left())

    def _fetch(self, burst: TaskBurst) -> bool:
        started = burst.started = datetime.now(UTC)
        progress = self._watcher.begins(burst.job)

        def report(stage: str, done: float) -> None:
            if self._aborted:
                raise stopped()
            progress(stage, done)

        if burst.record.is_given_up:
            return self._end(burst, None, _took_down(burst.record))
        if burst.same is not None:
            # Another pass makes the same static product: this one will find it, or make it if that failed.
            burst.same.ended.wait()
        if burst.static is not None:
            # Its product is committed later; this burst computes meanwhile on the same grid.
            burst.static.grid_known.wait()
        if burst.outcome is not None:
            # It was left while it waited.
            return False

        def fetch() -> None:
            job = burst.job_on_grid_of_static()
            burst.begun = Begun(
                attempt=self._settings.attempt, started=started, times=burst.record.taken_down + 1
            )
            write_begun(job, burst.begun)
            burst.run = BurstRun(
                job, self._work_of(burst), self._destination(job), report, burst.meter, shared=self._shared
            )
            burst.run.fetch()
            burst.grid = burst.run.grid

        return self._do(burst, fetch)

    def _compute(self, burst: TaskBurst) -> bool:
        if burst.after is not None:
            # Seven layers of static products, and those of the next burst, are more than a task has memory for.
            burst.after.written.wait()

        def compute() -> None:
            write_begun(burst.job, burst.begun.model_copy(update={"computing": datetime.now(UTC)}))
            burst.run.compute()

        return self._do(burst, compute)

    def _write(self, burst: TaskBurst) -> bool:
        try:
            return self._do(burst, lambda: burst.run.write())
        finally:
            burst.written.set()

    def _publish(self, burst: TaskBurst) -> bool:
        return self._do(burst, lambda: burst.run.publish())

    def _do(self, burst: TaskBurst, work: Callable[[], object]) -> bool:
        """Do one step of a burst; returns whether it continues, which it does not if it has a result or failed."""
        limit = self._settings.limit_s
        left = None if limit is None else limit - burst.meter.seconds
        try:
            burst.refuse_without_static()
            with self._watchdog.limit(left, lambda: _log.error(_overdue(burst.job, limit))):
                work()
        except BaseException as error:
            return self._end(burst, None, error)
        finally:
            if burst.grid is not None:
                burst.grid_known.set()
        if burst.run.result is None:
            return True
        return self._end(burst, burst.run.result, None)

    def _end(self, burst: TaskBurst, result: BurstResult | None, error: BaseException | None) -> bool:
        """Record the outcome of a burst once; returns False, as no step follows."""
        with burst.lock:
            if burst.outcome is not None:
                return False
            burst.outcome = self._outcome(burst, result, error)
            if result is not None and self._settings.finish is not None:
                try:
                    burst.outcome = self._settings.finish(burst.job, burst.outcome)
                except Exception as failure:
                    error = failure
                    burst.outcome = self._outcome(burst, None, failure)
        burst.grid_known.set()
        burst.written.set()
        burst.ended.set()
        shutil.rmtree(self._work_of(burst), ignore_errors=True)
        try:
            write_outcome(burst.job, burst.outcome)
        except RtcflowError as failure:
            # The exit code still tells the outcome of the task.
            _log.warning("the outcome could not be recorded: %s", failure.message)
        self._watcher.ends(burst.job, burst.outcome, error)
        return False

    def _outcome(
        self, burst: TaskBurst, result: BurstResult | None, error: BaseException | None
    ) -> BurstOutcome:
        measured = burst.meter.measured()
        common = BurstOutcome(
            burst_id=burst.job.burst_id,
            product=burst.job.product,
            outcome=result.outcome if result else Outcome.FAILED,
            attempt=self._settings.attempt,
            started=burst.started,
            finished=datetime.now(UTC),
            seconds=measured.seconds,
            bytes_fetched=measured.bytes_fetched,
            bytes_written=measured.bytes_written,
            task_cpu_seconds=round(process_cpu_seconds(), 3),
            task_peak_memory_bytes=peak_memory_bytes(),
        )
        if result is not None:
            destination = self._destination(burst.job)
            return common.model_copy(update={"manifest": destination.href(destination.record)})
        failure = as_contract_error(error or DefectError("no reason was given"))
        return common.model_copy(
            update={
                "error_class": failure.error_class,
                "reason": failure.reason,
                "message": failure.message,
            }
        )

    def _work_of(self, burst: TaskBurst) -> Path:
        return self._settings.work / str(burst.number)


def _overdue(job: BurstJob, limit_s: float | None) -> str:
    return (
        f"burst {job.burst_id} is not made after {limit_s:g} s: this process ends, since what hangs in compiled code "
        "cannot be stopped otherwise; start it again for the other bursts (RTCFLOW_TIME_LIMIT_S gives more time)"
    )


def _left() -> TransientError:
    return TransientError(
        "the task was stopped from outside before this burst was made; start it again", reason="left"
    )


def _took_down(record: JobRecord) -> DefectError:
    return DefectError(
        f"burst {record.job.burst_id} took its task down twice: with it in hand the process died, or was ended at its "
        "time limit; read in the log where, and where memory ran out give the task more",
        reason="took-task-down",
    )
