"""CheckStaticLayers: find the bursts of a plan whose static layers are missing."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_cloud.deadline import within_time
from rtcflow_scene.static_check import check_static_layers

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Check the plan at `event["plan"]`, and have missing layers made if the payload asks for it."""
    checked = check_static_layers(event["plan"])
    finding = {"missing": checked["missing"], "finding": checked["message"]}
    logger.info("checked static layers", extra=finding)
    metrics.add_metric(name="BurstsWithoutStaticLayers", unit=MetricUnit.Count, value=checked["missing"])
    return checked
