"""FollowScene: decide what a campaign does next with one of its scenes."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_campaign.scene_following import FollowSettings, SceneFollower
from rtcflow_cloud.deadline import within_time

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="rtcflow")
follower = SceneFollower(FollowSettings.from_environment(os.environ))
_COUNTED = {"done": "CampaignScenesDone", "failed": "CampaignScenesFailed"}


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Follow the scene in `event["item"]`; the result is run, wait, done, failed or left."""
    answer = follower.follow(event)
    logger.info("followed", extra={"campaign": event["campaign"], "scene_decision": answer["decision"]})
    for decision, name in _COUNTED.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=int(answer["decision"] == decision))
    return answer
