"""SummarizeScene: write the scene's report, event and metrics, whether or not bursts failed."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_cloud.deadline import within_time
from rtcflow_scene.announcement import announce, measure
from rtcflow_scene.summary import SummarySettings, summarize_scene

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")
settings = SummarySettings.from_environment(os.environ)


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Report the scene of an execution; the result says how the execution ends."""
    report, at, error, error_class = summarize_scene(event, settings)
    measure(report, metrics)
    announce(report, str(at))
    logger.info("summarized", extra={"report": str(at), "outcome": report.outcome})
    return {
        "outcome": report.outcome.value,
        "error": error,
        "error_class": error_class.value if error_class else None,
        "message": report.message,
        "report": str(at),
    }
