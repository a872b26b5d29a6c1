"""PlanScene: turn a scene payload into tasks of several bursts, in the work bucket."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_cloud.deadline import within_time
from rtcflow_scene.planning import PlanSettings, plan_scene
from rtcflow_scene.task_run import StackSettings

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")
settings = PlanSettings.from_environment(os.environ)


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Plan the scene of `event["payload"]`; the result has the locations of its tasks."""
    stack = StackSettings.model_validate(event["stack"])
    planned = plan_scene(event["payload"], event["execution"], event["started"], settings, stack)
    logger.info("planned", extra={key: planned[key] for key in ("plan", "bursts", "orbit_wait_s")})
    metrics.add_metric(name="BurstsPlanned", unit=MetricUnit.Count, value=planned["bursts"])
    return planned
