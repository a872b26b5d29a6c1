"""AssembleStac: write the STAC items of a task's products and decide whether the task runs again."""

import os
import random
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_cloud.deadline import within_time
from rtcflow_scene.announcement import ProductEvents
from rtcflow_scene.assembly import StacSettings
from rtcflow_scene.task_assembly import after_task
from rtcflow_stac.context import HrefStyle, Processor

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")
settings = StacSettings(
    style=HrefStyle(os.environ.get("HREF_STYLE") or HrefStyle.S3),
    region=os.environ["AWS_REGION"],
    processor=Processor(os.environ["PROCESSOR_NAME"], os.environ.get("PROCESSOR_URL") or None),
    license=os.environ["LICENSE"],
)
events = ProductEvents(os.environ.get("CATALOGUE_TOPIC_ARN", ""), os.environ.get("EVENT_BUS_NAME", ""))


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Assemble the products of a task; `event["ended"]` is what RunTask returned or failed with."""
    result = after_task(event, settings, events, now=datetime.now(UTC), share=random.random())
    state = {key: result.get(key) for key in ("next", "task", "wait_s", "usage")}
    logger.info("task ended", extra={**state, "ended": str(event.get("ended"))[:1000]})
    metrics.add_metric(name="ItemsWritten", unit=MetricUnit.Count, value=result["items"])
    metrics.add_metric(name="TasksRunAgain", unit=MetricUnit.Count, value=int(result["next"] == "again"))
    return result
