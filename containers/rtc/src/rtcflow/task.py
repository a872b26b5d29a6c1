"""Entrypoint of the container: one burst job from the environment, one product and one outcome in S3.

RTCFLOW_JOB holds the job as JSON, or its `s3://` location; RTCFLOW_WORK_DIR is the folder for unfinished files, and
RTCFLOW_TIME_LIMIT_S a limit in seconds. Exit codes: 0 made or skipped, else those of the error classes. In an image,
RTCFLOW_COMPILED_DIR holds the engine's compiled code, which is copied to NUMBA_CACHE_DIR, where Numba may write.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
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

# Beside compiled code: what it was copied from.
_COMPILED_STATE = ".state"

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


def _bring_compiled_code() -> None:
    """Numba takes compiled code only from a folder it can write to, and an image's may be read-only.

    Tasks of one EC2 instance share that folder: it comes whole or not at all, and the first one counts. What another
    image left is replaced: Numba would take it, since files of images carry one time.
    """
    built, cache = os.environ.get("RTCFLOW_COMPILED_DIR"), os.environ.get("NUMBA_CACHE_DIR")
    if not built or not cache or not Path(built).is_dir():
        return
    state = _state_of(Path(built))
    kept = Path(cache, _COMPILED_STATE)
    if kept.is_file() and kept.read_text() == state:
        return
    of_another_image = Path(cache).is_dir()
    Path(cache).parent.mkdir(parents=True, exist_ok=True)
    arriving = tempfile.mkdtemp(prefix=".compiled-", dir=Path(cache).parent)
    try:
        shutil.copytree(built, f"{arriving}/new")
        Path(arriving, "new", _COMPILED_STATE).write_text(state)
        with suppress(OSError):
            if of_another_image:
                os.rename(cache, f"{arriving}/old")
            os.rename(f"{arriving}/new", cache)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)


def _state_of(folder: Path) -> str:
    """Checksum of a folder's files, names and all."""
    checksum = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        checksum.update(str(path.relative_to(folder)).encode())
        checksum.update(path.read_bytes())
    return checksum.hexdigest()


def main() -> int:
    """Run the job of the environment; gives the exit code."""
    try:
        _bring_compiled_code()
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
