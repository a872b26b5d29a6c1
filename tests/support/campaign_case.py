"""Scenes of a campaign: payloads, reports of their executions, and a state machine that only records."""

import json
from datetime import UTC, datetime, timedelta

from rtcflow_campaign.campaign_list import make_items
from rtcflow_contract.campaign import Item
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from tests.support.catalogue_case import scene_name

ITEM = {
    "type": "Feature",
    "id": "x",
    "collection": "c",
    "geometry": {"type": "Point", "coordinates": [150.0, -34.0]},
    "bbox": [150.0, -34.0, 150.0, -34.0],
    "properties": {"datetime": "2026-03-01T00:00:00Z"},
    "links": [],
    "assets": {},
}
BURSTS = ("t070_149815_iw1", "t070_149815_iw2", "t070_149815_iw3")
START = datetime(2026, 3, 20, tzinfo=UTC)


def payload(number: int, **fields) -> dict:
    return {"scene": scene_name(number), "s3_project_folder": "continent", **fields}


def item(number: int = 0, **fields) -> Item:
    return make_items([(1, payload(number, **fields))], "products", "0.1").items[0]


def outcome(burst_id: str, kind: Outcome, product: Product = Product.RTC_S1, **fields) -> BurstOutcome:
    key = f"continent/{product.value}/{burst_id}/metadata.json"
    if kind is Outcome.FAILED:
        fields = {"error_class": ErrorClass.TRANSIENT, "reason": "network", "message": "no answer", **fields}
    else:
        fields = {"item": f"s3://products/{key}", **fields}
    if kind is Outcome.MADE:
        fields = {"seconds": 60.0, **fields}
    return BurstOutcome(burst_id=burst_id, product=product, outcome=kind, **fields)


def scene_report(execution: str, *kinds: Outcome, after_h: float = 0.0, **fields) -> SceneReport:
    """Report of a scene whose bursts have these outcomes, started some hours after the first."""
    bursts = tuple(outcome(burst_id, kind) for burst_id, kind in zip(BURSTS, kinds, strict=False))
    started = START + timedelta(hours=after_h)
    failed = Outcome.FAILED in kinds or not kinds
    values = {
        "execution": execution,
        "scene": scene_name(0),
        "product": Product.RTC_S1,
        "collection": "s1_rtc_c1",
        "started": started,
        "finished": started + timedelta(hours=1),
        "outcome": SceneOutcome.FAILED if failed else SceneOutcome.SUCCEEDED,
        "message": "the scene's message",
        "bursts": bursts,
        "cost_usd": 0.5,
        **fields,
    }
    return SceneReport(**values)


def put_report(s3, report: SceneReport, *, with_products: bool = True) -> None:
    key = f"executions/{report.execution}/report.json"
    s3.put_object(Bucket="work", Key=key, Body=report.model_dump_json().encode())
    for burst in report.bursts if with_products else ():
        if burst.item:
            s3.put_object(
                Bucket="products",
                Key=burst.item.removeprefix("s3://products/"),
                Body=json.dumps(ITEM).encode(),
            )


class States:
    """Step Functions with executions by name: what DescribeExecution answers."""

    def __init__(self, **statuses: str) -> None:
        self.found = {name: {"status": status, "input": "{}"} for name, status in statuses.items()}

    def put(self, name: str, status: str, **fields: str) -> None:
        self.found[name] = {"status": status, "input": json.dumps({}), **fields}

    def describe_execution(self, executionArn: str) -> dict:
        from botocore.exceptions import ClientError

        name = executionArn.rpartition(":")[2]
        if name not in self.found:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return self.found[name]
