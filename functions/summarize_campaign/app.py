"""SummarizeCampaign: the report of a campaign as things stand, as JSON and as a page."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_cloud.deadline import within_time

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Report the campaign of `event["campaign"]`; the result says how its execution is to end."""
    store = CampaignStore(os.environ["WORK_BUCKET"], event["campaign"])
    report = store.report(datetime.now(UTC), os.environ["AWS_REGION"])
    at = store.write_report(report)
    logger.info("summarized", extra={"report": str(at), "outcome": report.outcome})
    return {"outcome": report.outcome.value, "message": report.message, "report": str(at)}
