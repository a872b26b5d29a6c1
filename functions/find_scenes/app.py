"""FindScenes: start an execution for every new scene of the areas of interest, on a schedule or on notice."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_archives.area import Area
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_campaign.area_sweep import SweepLimits, SweepServices, Swept, read_areas, sweep, sweep_all
from rtcflow_campaign.retries import LONGEST_EXECUTION, SceneExecutions
from rtcflow_campaign.scene_start import SceneStarter, take_notice
from rtcflow_campaign.search_position import read_position
from rtcflow_cloud.deadline import within_time
from rtcflow_contract.errors import DefectError, ErrorClass, RefusedError, RtcflowError, TransientError

# With less time left, no further area is started; those being searched finish.
_MARGIN_MS = 90_000

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")
limits = SweepLimits.from_environment(os.environ)
cmr = Cmr(ArchiveHosts.from_environment().cmr_url)
work_bucket, products_bucket = os.environ["WORK_BUCKET"], os.environ["PRODUCTS_BUCKET"]
machine = os.environ["SCENE_STATE_MACHINE"]
starter = SceneStarter(machine, os.environ["PRODUCT_VERSION"], products_bucket)
executions = SceneExecutions(machine, work_bucket)


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Sweep all areas, or take the notices in `event["Records"]` and return those that failed."""
    return _take_notices(event["Records"]) if "Records" in event else _sweep_areas(context)


def _sweep_areas(context: LambdaContext) -> dict[str, Any]:
    now = datetime.now(UTC)
    files = read_areas(work_bucket, products_bucket)
    failed = executions.failed_since(now - limits.retry - LONGEST_EXECUTION) if files.areas else {}
    archive = SweepServices(cmr, starter, executions, failed)

    def sweep_one(area: Area) -> Swept | Exception:
        try:
            return sweep(area, now, limits, archive, work_bucket)
        except Exception as error:
            return error

    done, not_reached = sweep_all(
        files.areas, sweep_one, _searched_until, lambda: context.get_remaining_time_in_millis() > _MARGIN_MS
    )
    swept = [result for _, result in done if isinstance(result, Swept)]
    failures = [(ErrorClass.REFUSED, text) for text in files.refusals]
    failures += [_failure(area, result) for area, result in done if isinstance(result, Exception)]
    for area in swept:
        logger.info("swept", extra=area._asdict())
    for name, value in (
        ("ScenesFound", sum(area.found for area in swept)),
        ("ScenesStarted", sum(area.started for area in swept)),
        ("ScenesStartedBefore", sum(area.before for area in swept)),
        ("ScenesLeftForNextRun", sum(area.left for area in swept)),
        ("ScenesRetried", sum(area.retried for area in swept)),
        ("ScenesGivenUp", sum(len(area.given_up) for area in swept)),
        ("AreasFailed", len(failures)),
        ("AreasLeftForNextRun", len(not_reached)),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    if failures:
        # The other areas are done; raising the error sets off the alarm and the retry.
        sentence = "; ".join(text for _, text in failures)
        raise _gravest([error_class for error_class, _ in failures])(sentence, reason="areas")
    return {
        "areas": [area._asdict() | {"given_up": list(area.given_up)} for area in swept],
        "not_reached": [area.name for area in not_reached],
    }


def _searched_until(area: Area) -> datetime:
    """How far an area has been searched; an area never searched, or with an unreadable position, comes first."""
    try:
        return read_position(work_bucket, area.name, datetime.min.replace(tzinfo=UTC)).position.searched_until
    except RtcflowError:
        return datetime.min.replace(tzinfo=UTC) + timedelta(seconds=1)


def _failure(area: Area, error: Exception) -> tuple[ErrorClass, str]:
    if isinstance(error, RtcflowError):
        return error.error_class, f"area {area.name}: {error.message}"
    logger.error("area failed", exc_info=error, extra={"area": area.name})
    return ErrorClass.DEFECT, f"area {area.name}: {error!r}"


def _gravest(classes: list[ErrorClass]) -> type[RtcflowError]:
    """The error of a run: a transient one if any area may work later, so that the run is retried."""
    if ErrorClass.TRANSIENT in classes:
        return TransientError
    return DefectError if ErrorClass.DEFECT in classes else RefusedError


def _take_notices(records: list[dict[str, Any]]) -> dict[str, Any]:
    areas = read_areas(work_bucket, products_bucket).areas
    failed: list[dict[str, str]] = []
    started = 0
    for record in records:
        try:
            started += take_notice(record, areas, cmr, starter)
        except Exception as error:
            why = error.message if isinstance(error, RtcflowError) else repr(error)
            logger.warning("notice failed", extra={"message_id": record["messageId"], "why": why})
            failed.append({"itemIdentifier": record["messageId"]})
    metrics.add_metric(name="ScenesStarted", unit=MetricUnit.Count, value=started)
    return {"batchItemFailures": failed}
