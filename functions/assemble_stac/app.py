"""Lambda AssembleStac: the STAC item of a burst product; with it the product exists."""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rtcflow_cloud.catalogue_topic import publish
from rtcflow_cloud.deadline import within_time
from rtcflow_cloud.failures import translated
from rtcflow_contract.errors import TransientError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import parse_s3_uri
from rtcflow_contract.stored import read_stored
from rtcflow_files.storage import read_bytes
from rtcflow_scene.assembly import Assembled, StacSettings, assemble_stac
from rtcflow_stac.context import HrefStyle, Processor
from rtcflow_stac.notice import notice_of

logger = Logger()
tracer = Tracer()
metrics = Metrics()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
@within_time
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Write the item of the product that the job at `event["job"]` made."""
    job = read_stored(BurstJob, read_bytes(parse_s3_uri(event["job"])), event["job"])
    logger.append_keys(scene=job.scene, burst_id=job.burst_id, execution=job.execution)
    made = assemble_stac(
        job,
        StacSettings(
            style=HrefStyle(os.environ.get("HREF_STYLE") or HrefStyle.S3),
            region=os.environ["AWS_REGION"],
            processor=Processor(os.environ["PROCESSOR_NAME"], os.environ.get("PROCESSOR_URL") or None),
            license=os.environ["LICENSE"],
        ),
        _publish_collection,
    )
    # The product exists from here on; what follows is repeated by the state's retry, and changes nothing twice.
    _publish(made)
    _announce(made)
    logger.info("item written", extra={"item": made.item_uri})
    metrics.add_metric(name="ItemsWritten", unit=MetricUnit.Count, value=1)
    return {"burst_id": job.burst_id, "item": made.item_uri, "manifest": made.manifest_uri}


def _publish_collection(collection: dict[str, Any]) -> None:
    """Publish a collection before its first item: catalogues take no item of a collection that they do not have."""
    topic = os.environ.get("CATALOGUE_TOPIC_ARN")
    if topic:
        publish(topic, json.dumps(collection), {"collection": ("String", collection["id"])})


def _publish(made: Assembled) -> None:
    """Publish the item for catalogues; not that of a version that is not in use."""
    topic = os.environ.get("CATALOGUE_TOPIC_ARN")
    if topic and made.in_use:
        notice = notice_of(made.item, made.item_uri, made.manifest.burst_id)
        publish(topic, notice.message, notice.attributes)


def _announce(made: Assembled) -> None:
    bus = os.environ.get("EVENT_BUS_NAME")
    if not bus:
        return
    manifest = made.manifest
    detail = {
        "burst_id": manifest.burst_id,
        "scene": manifest.scene,
        "product": manifest.product.value,
        "product_id": manifest.product_id,
        "collection": manifest.collection,
        "execution": manifest.execution,
        "item": made.item_uri,
    }
    entry = {
        "Source": "rtcflow",
        "DetailType": "Product Made",
        "Detail": json.dumps(detail),
        "EventBusName": bus,
    }
    with translated("EventBridge"):
        answer = boto3.client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise TransientError("the event bus did not take the product's event; try again", reason="event-bus")
