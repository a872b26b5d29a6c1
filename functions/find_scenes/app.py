"""FindScenes: start an execution for every new scene of the areas of interest, by schedule or by notice."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_archives.cmr import Cmr
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_campaign.area_files import read_areas
from rtcflow_campaign.area_sweep import Limits, Swept, sweep
from rtcflow_campaign.scene_notices import take_notice
from rtcflow_campaign.scene_start import SceneStarter
from rtcflow_contract.errors import ErrorClass, RefusedError, RtcflowError, TransientError

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")
limits = Limits.from_environment(os.environ)
cmr = Cmr(ArchiveHosts.from_environment().cmr_url)
work_bucket = os.environ["WORK_BUCKET"]
starter = SceneStarter(os.environ["SCENE_STATE_MACHINE"], os.environ["PRODUCT_VERSION"])


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Sweep all areas, or take the notices of `event["Records"]` and give back those that failed."""
    return _take_notices(event["Records"]) if "Records" in event else _sweep_areas()


def _sweep_areas() -> dict[str, Any]:
    files = read_areas(work_bucket)
    failures: list[tuple[ErrorClass, str]] = [(ErrorClass.REFUSED, text) for text in files.refusals]
    swept: list[Swept] = []
    for area in files.areas:
        try:
            swept.append(sweep(area, datetime.now(UTC), limits, cmr, starter, work_bucket))
            logger.info("swept", extra=swept[-1]._asdict())
        except RtcflowError as error:
            failures.append((error.error_class, f"area {area.name}: {error.message}"))
    for name, value in (
        ("ScenesFound", sum(area.found for area in swept)),
        ("ScenesStarted", sum(area.started for area in swept)),
        ("ScenesLeftForNextRun", sum(area.left for area in swept)),
        ("AreasFailed", len(failures)),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    if failures:
        # The areas that could be searched are done; the error raises the alarm, and brings the retry.
        sentence = "; ".join(text for _, text in failures)
        passing = any(error_class is ErrorClass.TRANSIENT for error_class, _ in failures)
        raise (TransientError if passing else RefusedError)(sentence, reason="areas")
    return {"areas": [area._asdict() for area in swept]}


def _take_notices(records: list[dict[str, Any]]) -> dict[str, Any]:
    areas = read_areas(work_bucket).areas
    failed: list[dict[str, str]] = []
    started = 0
    for record in records:
        try:
            started += take_notice(record, areas, cmr, starter)
        except RtcflowError as error:
            logger.warning("notice failed", extra={"message_id": record["messageId"], "why": error.message})
            failed.append({"itemIdentifier": record["messageId"]})
    metrics.add_metric(name="ScenesStarted", unit=MetricUnit.Count, value=started)
    return {"batchItemFailures": failed}
