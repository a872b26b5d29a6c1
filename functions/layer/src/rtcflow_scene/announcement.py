"""A finished scene for others to see: an EventBridge event, and metrics by outcome."""

import json
from functools import lru_cache
from typing import Any

import boto3
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from rtcflow_cloud.failures import translated
from rtcflow_contract.errors import ErrorClass, TransientError
from rtcflow_contract.report import Outcome, SceneReport

SOURCE = "rtcflow"
DETAIL_TYPE = "Scene Finished"


@lru_cache(maxsize=1)
def _events() -> Any:
    return boto3.client("events")


def event_of(report: SceneReport, report_uri: str) -> dict[str, Any]:
    """Detail of the event: ids, counts and where the report is."""
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


def announce(report: SceneReport, report_uri: str, client: Any = None) -> None:
    """Put the event on the default bus.

    Raises
    ------
    TransientError
        When the bus did not take it.
    """
    entry = {
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Detail": json.dumps(event_of(report, report_uri)),
    }
    with translated("the event bus"):
        answer = (client or _events()).put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise TransientError("the event bus did not take the scene's event; try again", reason="event-bus")


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
