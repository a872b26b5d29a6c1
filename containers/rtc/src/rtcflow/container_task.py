"""Run a task in the container: make the products of its burst jobs and record their outcomes in S3.

RTCFLOW_TASK is the task as JSON or its `s3://` location, RTCFLOW_ATTEMPT the number of this attempt; RTCFLOW_JOB is one
burst job instead of a task. RTCFLOW_WORK_DIR is the folder for unfinished files, RTCFLOW_TIME_LIMIT_S overrides the
task's time limit per burst, RTCFLOW_STOP_S is the time from SIGTERM to SIGKILL. Exit code: 75 if another attempt has to
make a burst, else 70 if one failed as a defect, else 65 if one was refused, else 0.
"""

import faulthandler
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from rtcflow.destination import Destination
from rtcflow.machine_errors import OF_THE_MACHINE, as_contract_error
from rtcflow.memory import settle_memory
from rtcflow.progress import Progress
from rtcflow.settings import burst_limit, seconds_of
from rtcflow.task_loop import TaskLoop, TaskSettings
from rtcflow_contract.errors import DefectError, RefusedError, RtcflowError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import parse_s3_uri
from rtcflow_contract.model import describe
from rtcflow_contract.report import BurstOutcome
from rtcflow_contract.task import ATTEMPT_VARIABLE, TASK_VARIABLE, Task, exit_code, parse_task
from rtcflow_files import storage
from rtcflow_scene.records import read_records

_JOB_VARIABLE = "RTCFLOW_JOB"
_STOP_VARIABLE = "RTCFLOW_STOP_S"
# Fargate's maximum between SIGTERM and SIGKILL; a share of it is kept for the final records.
_STOP_S, _KEPT_FOR_THE_END = 120, 0.1
_STOPPED_EXIT_CODE = 75

logger = Logger(service="rtcflow-burst")


def read_task() -> Task:
    """Read the task from the environment.

    Raises
    ------
    RefusedError
        When there is none, it is invalid, or it is for a newer image.
    """
    for name, read in ((TASK_VARIABLE, parse_task), (_JOB_VARIABLE, _task_of_job)):
        text = os.environ.get(name, "").strip()
        if text:
            return read(storage.read_bytes(parse_s3_uri(text)) if text.startswith("s3://") else text)
    raise RefusedError(
        f"{TASK_VARIABLE} is not set; give the task as JSON or its s3:// location", reason="task"
    )


def _task_of_job(text: str | bytes) -> Task:
    try:
        job = BurstJob.model_validate_json(text)
    except ValidationError as error:
        raise RefusedError(f"the burst job was refused: {describe(error)}", reason="job") from error
    return Task(execution=job.execution, number=0, jobs=(job,))


def run(task: Task, attempt: int = 1, work_parent: Path | None = None) -> int:
    """Make the task's products and record each burst's outcome; returns the exit code.

    Parameters
    ----------
    task : Task
    attempt : int
        Number of this attempt, from 1.
    work_parent : Path, optional
        Folder in which the work folder is made, and removed at the end.
    """
    limit = burst_limit() or task.burst_limit_s
    stop = seconds_of(_STOP_VARIABLE) or _STOP_S
    logger.info("task started", bursts=len(task.jobs))
    work = Path(tempfile.mkdtemp(prefix="rtcflow-", dir=work_parent))
    try:
        loop = TaskLoop(read_records(task.jobs), Destination, _TaskLog(), TaskSettings(work, attempt, limit))
        with _stopped_by_sigterm(loop, stop * (1 - _KEPT_FOR_THE_END), work):
            outcomes = loop.run()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    code = exit_code(outcomes)
    logger.info("task ended", exit_code=code)
    if loop.was_stopped:
        _leave_threads(code)
    return code


class _TaskLog:
    """Logs the progress of bursts, with the keys of the burst in every thread that works for it."""

    def begins(self, job: BurstJob) -> Progress:
        """Log the start of a burst and of each stage."""
        logger.thread_safe_append_keys(scene=job.scene, burst_id=job.burst_id, product=job.product.value)
        logger.info("burst started", product_id=job.product_id)
        reached = ""

        def report(stage: str, done: float) -> None:
            nonlocal reached
            if stage != reached:
                reached = stage
                logger.info("stage started", stage=stage)

        return report

    def ends(self, job: BurstJob, outcome: BurstOutcome, error: BaseException | None) -> None:
        """Log the outcome of a burst."""
        if error is not None:
            _log_failure(as_contract_error(error), error)
        logger.info(
            "burst ended",
            burst_id=job.burst_id,
            product=job.product.value,
            **outcome.model_dump(mode="json", exclude_none=True, exclude={"burst_id", "product", "message"}),
        )


def _log_failure(failure: RtcflowError, error: BaseException) -> None:
    # Defects need a stack trace; for other errors the message is enough.
    message_is_enough = failure.reason in OF_THE_MACHINE or isinstance(error, RtcflowError)
    trace = error if isinstance(failure, DefectError) and not message_is_enough else None
    logger.error(
        failure.message, exc_info=trace, error_class=failure.error_class.value, reason=failure.reason
    )


@contextmanager
def _stopped_by_sigterm(loop: TaskLoop, seconds: float, work: Path) -> Iterator[None]:
    """At SIGTERM finish the burst in progress if time allows, and leave the others; the process ends in time."""

    def end_now() -> None:
        loop.leave()
        shutil.rmtree(work, ignore_errors=True)
        _leave_threads(_STOPPED_EXIT_CODE)

    def stop() -> None:
        logger.warning("asked to stop: finishing the burst in progress if time allows", seconds=seconds)
        loop.stop()
        timer = threading.Timer(seconds, end_now)
        timer.daemon = True
        timer.start()

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # A signal handler interrupts the main thread anywhere, even where it holds the lock that stopping needs.
        threading.Thread(target=stop, daemon=True).start()

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN if loop.was_stopped else before)


def _leave_threads(code: int) -> NoReturn:
    """End the process even if threads wait for an archive; Python would wait for them."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def _attempt() -> int:
    text = os.environ.get(ATTEMPT_VARIABLE, "").strip() or "1"
    if not text.isdecimal() or int(text) < 1:
        raise RefusedError(f"{ATTEMPT_VARIABLE} is '{text}'; give a number from 1", reason="settings")
    return int(text)


def _catch_all_logs() -> None:
    """Send the log lines of all our packages to the task's log, with the keys of their burst."""
    for name in ("rtcflow", "rtcflow_cloud", "rtcflow_stac"):
        part = logging.getLogger(name)
        part.handlers, part.propagate = list(logger.handlers), False


def main() -> int:
    """Run the task of the environment; returns the exit code."""
    # Prints the stack if compiled code crashes.
    faulthandler.enable(file=2)
    settle_memory()
    _catch_all_logs()
    try:
        task, attempt = read_task(), _attempt()
        logger.append_keys(execution=task.execution, task=task.number, attempt=attempt)
        parent = os.environ.get("RTCFLOW_WORK_DIR")
        if parent:
            Path(parent).mkdir(parents=True, exist_ok=True)
        return run(task, attempt, Path(parent) if parent else None)
    except BaseException as error:
        failure = as_contract_error(error)
        _log_failure(failure, error)
        return failure.exit_code


if __name__ == "__main__":
    sys.exit(main())
