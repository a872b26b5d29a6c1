"""Announce products and scenes: EventBridge events, catalogue notices and metrics."""

import json
from functools import lru_cache
from typing import Any

import boto3
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from rtcflow_cloud.catalogue_topic import publish
from rtcflow_cloud.failures import translated
from rtcflow_contract.errors import ErrorClass, TransientError
from rtcflow_contract.report import Outcome, SceneReport
from rtcflow_scene.assembly import Assembled
from rtcflow_stac.notice import notice_of

SOURCE = "rtcflow"


@lru_cache(maxsize=1)
def _events() -> Any:
    return boto3.client("events")


def _event_of(report: SceneReport, report_uri: str) -> dict[str, Any]:
    """Detail of the event: ids, counts and location of the report."""
    return {
        "version": 1,
        "execution": report.execution,
        "scene": report.scene,
        "product": report.product.value,
        "collection": report.collection,
        "outcome": report.outcome.value,
        **{outcome.value: report.count(outcome) for outcome in Outcome},
        "report": report_uri,
    }


class ProductEvents:
    """Publishes new products on the catalogues' topic and on an event bus; either may be empty."""

    def __init__(self, topic: str, bus: str) -> None:
        self.topic = topic
        self.bus = bus

    def collection(self, collection: dict[str, Any]) -> None:
        """Publish a collection before its first item: catalogues refuse items of unknown collections."""
        if self.topic:
            publish(self.topic, json.dumps(collection), {"collection": ("String", collection["id"])})

    def product(self, made: Assembled) -> None:
        """Publish a product; versions not in use are not sent to catalogues."""
        if self.topic and made.in_use:
            replaces = made.manifest.replaces or ""
            notice = notice_of(made.item, made.item_uri, made.manifest.burst_id, replaces)
            publish(self.topic, notice.message, notice.attributes)
        if self.bus:
            _put_event("Product Made", _product_detail(made), self.bus)


def _product_detail(made: Assembled) -> dict[str, Any]:
    manifest = made.manifest
    return {
        "burst_id": manifest.burst_id,
        "scene": manifest.scene,
        "product": manifest.product.value,
        "product_id": manifest.product_id,
        "collection": manifest.collection,
        "execution": manifest.execution,
        "item": made.item_uri,
    }


def announce(report: SceneReport, report_uri: str) -> None:
    """Put a scene's event on the default bus; TransientError if the bus did not accept it."""
    _put_event("Scene Finished", _event_of(report, report_uri))


def _put_event(kind: str, detail: dict[str, Any], bus: str = "default") -> None:
    entry = {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": bus}
    with translated("the event bus"):
        answer = _events().put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise TransientError("the event bus did not accept the event; try again", reason="event-bus")


def measure(report: SceneReport, metrics: Metrics) -> None:
    """Add the scene's counts, resources and cost to the metrics of the invocation."""
    bursts = [*report.bursts, *report.static_bursts]
    for outcome in Outcome:
        metrics.add_metric(
            name=f"Bursts{outcome.value.capitalize()}",
            unit=MetricUnit.Count,
            value=sum(burst.outcome is outcome for burst in bursts),
        )
    for burst in bursts:
        # Its average over any time is the share of failed bursts.
        percent = 100 if burst.outcome is Outcome.FAILED else 0
        metrics.add_metric(name="BurstFailedPercent", unit=MetricUnit.Percent, value=percent)
        if burst.seconds is not None and burst.outcome is Outcome.MADE:
            metrics.add_metric(name="BurstSeconds", unit=MetricUnit.Seconds, value=burst.seconds)
        if burst.bytes_written is not None and burst.outcome is Outcome.MADE:
            metrics.add_metric(name="BurstBytesWritten", unit=MetricUnit.Bytes, value=burst.bytes_written)
    for task in report.tasks:
        metrics.add_metric(name="BurstsPerTask", unit=MetricUnit.Count, value=task.bursts)
        if task.seconds is not None:
            metrics.add_metric(name="TaskSeconds", unit=MetricUnit.Seconds, value=task.seconds)
    metrics.add_metric(name="SceneCostEstimate", unit=MetricUnit.NoUnit, value=report.cost_usd or 0.0)
    for error_class in ErrorClass:
        failed = sum(burst.error_class is error_class for burst in bursts)
        if failed:
            _measure_failures(error_class, failed, metrics.service or SOURCE)


def _measure_failures(error_class: ErrorClass, failed: int, service: str) -> None:
    with single_metric(
        name="BurstsFailedByClass", unit=MetricUnit.Count, value=failed, namespace="rtcflow"
    ) as metric:
        metric.add_dimension(name="service", value=service)
        metric.add_dimension(name="error_class", value=error_class.value)
