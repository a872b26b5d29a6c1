"""OpenCampaign: check a campaign's lists and write those that its Map states run."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_campaign.campaign_opening import OpeningSettings, open_campaign
from rtcflow_cloud.deadline import within_time

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")
settings = OpeningSettings.from_environment(os.environ)


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Open the campaign of `event["request"]`; the result has the locations of its lists."""
    opened = open_campaign(event["request"], event["execution"], event["started"], settings)
    logger.info("opened", extra={"campaign": opened["campaign"], "scenes": opened["lists"][-1]["count"]})
    metrics.add_metric(name="CampaignScenes", unit=MetricUnit.Count, value=opened["lists"][-1]["count"])
    return opened
