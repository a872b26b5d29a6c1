"""The container's task: one burst job from the environment, one product and one outcome in S3.

RTCFLOW_JOB holds the job as JSON, or its `s3://` location; RTCFLOW_WORK_DIR is the folder for unfinished files, and
RTCFLOW_TIME_LIMIT_S a limit in seconds. Exit codes: 0 made or skipped, else those of the error classes.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from rtcflow.burst import BurstResult, make_burst
from rtcflow.destination_s3 import S3Destination
from rtcflow.failures import as_contract_error, out_of_time, stopped
from rtcflow.resources import Meter
from rtcflow_cloud import storage
from rtcflow_contract.errors import DefectError, RefusedError, RtcflowError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import OUTCOME, parse_s3_uri
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.request import describe

logger = Logger(service="rtcflow-burst")


def read_job(text: str) -> BurstJob:
    """The job that RTCFLOW_JOB gives.

    Raises
    ------
    RefusedError
        When it is no job.
    """
    if not text.strip():
        raise RefusedError("RTCFLOW_JOB is not set; give the burst job as JSON or its s3:// location", "job")
    try:
        if text.startswith("s3://"):
            return BurstJob.model_validate(storage.read_json(parse_s3_uri(text)))
        return BurstJob.model_validate_json(text)
    except ValidationError as error:
        raise RefusedError(f"the burst job was refused: {describe(error)}", reason="job") from error
    except json.JSONDecodeError as error:
        raise RefusedError(f"the burst job at {text} is not JSON ({error})", reason="job") from error


def run(job: BurstJob, work_parent: Path | None = None) -> int:
    """Make the job's product and record its outcome; gives the exit code.

    Parameters
    ----------
    job : BurstJob
    work_parent : Path, optional
        Folder in which the work folder is made, and removed at the end.
    """
    meter = Meter()
    logger.append_keys(
        scene=job.scene, burst_id=job.burst_id, execution=job.execution, product=job.product.value
    )
    logger.info("burst started", product_id=job.product_id)
    work = Path(tempfile.mkdtemp(prefix="rtcflow-", dir=work_parent))
    try:
        destination = S3Destination(job)
        result = make_burst(job, work, destination, _StageLog(), meter)
        outcome, code = _success(job, result, meter, destination.href(destination.record)), 0
    except BaseException as error:
        failure = as_contract_error(error)
        _log_failure(failure, error)
        outcome, code = _failure(job, failure, meter), failure.exit_code
    finally:
        _ignore_signals()
        shutil.rmtree(work, ignore_errors=True)
    _record(job, outcome)
    logger.info("burst ended", outcome=outcome.outcome.value, seconds=outcome.seconds, exit_code=code)
    return code


class _StageLog:
    """One log line as each stage begins."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, done: float) -> None:
        if stage != self._stage:
            self._stage = stage
            logger.info("stage started", stage=stage)


def _success(job: BurstJob, result: BurstResult, meter: Meter, manifest: str) -> BurstOutcome:
    measured = meter.measured()
    logger.info("burst measured", **measured.model_dump())
    return BurstOutcome(
        burst_id=job.burst_id,
        product=job.product,
        outcome=result.outcome,
        manifest=manifest,
        seconds=measured.seconds,
        bytes_fetched=measured.bytes_fetched,
        bytes_written=measured.bytes_written,
    )


def _failure(job: BurstJob, error: RtcflowError, meter: Meter) -> BurstOutcome:
    return BurstOutcome(
        burst_id=job.burst_id,
        product=job.product,
        outcome=Outcome.FAILED,
        error_class=error.error_class,
        reason=error.reason,
        message=error.message,
        seconds=round(meter.seconds, 3),
        bytes_fetched=meter.bytes_fetched,
    )


def _log_failure(failure: RtcflowError, error: BaseException) -> None:
    # The trace of a defect is what its finder needs; of the others the sentence says all.
    trace = error if isinstance(failure, DefectError) else None
    logger.error(
        failure.message, exc_info=trace, error_class=failure.error_class.value, reason=failure.reason
    )


def _record(job: BurstJob, outcome: BurstOutcome) -> None:
    at = job.work.join(OUTCOME)
    try:
        storage.write_bytes(at, outcome.model_dump_json(indent=2).encode())
    except RtcflowError as error:
        # The exit code still says what became of the burst.
        logger.warning("the outcome could not be recorded", at=str(at), cause=error.message)


def _ignore_signals() -> None:
    signal.alarm(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _catch_signals(time_limit: int) -> None:
    def raising(make: Callable[[], BaseException]) -> Callable[[int, FrameType | None], None]:
        def handler(number: int, frame: FrameType | None) -> None:
            raise make()

        return handler

    signal.signal(signal.SIGTERM, raising(stopped))
    signal.signal(signal.SIGALRM, raising(lambda: out_of_time(time_limit)))
    signal.alarm(time_limit)


def main() -> int:
    """Run the job of the environment; gives the exit code."""
    try:
        _catch_signals(int(os.environ.get("RTCFLOW_TIME_LIMIT_S") or 0))
        job = read_job(os.environ.get("RTCFLOW_JOB", ""))
        parent = os.environ.get("RTCFLOW_WORK_DIR")
        if parent:
            Path(parent).mkdir(parents=True, exist_ok=True)
    except BaseException as error:
        failure = as_contract_error(error)
        _log_failure(failure, error)
        return failure.exit_code
    return run(job, Path(parent) if parent else None)


if __name__ == "__main__":
    sys.exit(main())
