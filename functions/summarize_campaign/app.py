"""SummarizeCampaign: write the current report of a campaign, as JSON and as a page."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_cloud.deadline import within_time
from rtcflow_scene.failure_text import name_to_fail_with, read_failure

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Report the campaign of `event["campaign"]`; the result says how its execution ends.

    `event["failure"]` is the error that ended its Map early, if any.
    """
    store = CampaignStore(os.environ["WORK_BUCKET"], event["campaign"])
    report = store.report(datetime.now(UTC), os.environ["AWS_REGION"])
    at = store.write_report(report)
    logger.info("summarized", extra={"report": str(at), "outcome": report.outcome})
    failure = read_failure(event.get("failure"))
    return {
        "outcome": "failed" if failure else report.outcome.value,
        "error": name_to_fail_with(failure.error) if failure else "ScenesMissing",
        "message": f"{report.message}. {failure.message}" if failure else report.message,
        "report": str(at),
    }
