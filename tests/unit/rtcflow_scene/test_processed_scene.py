"""The record of a processed scene: one file beside the products, over all runs."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from rtcflow_contract.errors import TransientError
from rtcflow_contract.job import LocalPlaces, Sources
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import BurstOutcome, SceneReport
from rtcflow_contract.request import parse_request
from rtcflow_files import compare_and_swap
from rtcflow_scene.summary import _record_processed
from tests.support.small_safe import SCENE

A, B = "t070_148570_iw1", "t070_148571_iw1"
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = f"experimental/monitoring/processed_scenes/{SCENE}.json"


def plan(places=None, **fields):
    payload = {"scene": SCENE, "scene_source": "asf", **fields}
    return Plan(
        execution="run",
        started=TIME,
        product_version="1.0",
        sources=Sources(scene="asf"),
        request=parse_request(payload, "products"),
        places=places,
        bursts=[],
    )


def report(bursts, number=1, statics=None, product="RTC_S1"):
    def of(burst_id, outcome, product):
        said = {"message": "no orbit", "error_class": "transient"} if outcome == "failed" else {}
        item = None if outcome == "failed" else f"s3://products/{burst_id}/metadata.json"
        return BurstOutcome(burst_id=burst_id, product=product, outcome=outcome, item=item, **said)

    return SceneReport(
        execution=f"run-{number}",
        scene=SCENE,
        product=product,
        collection="s1_rtc_c1",
        started=TIME,
        finished=TIME + timedelta(hours=number),
        outcome="succeeded",
        message="",
        bursts=[of(burst_id, outcome, product) for burst_id, outcome in bursts.items()],
        static_bursts=[
            of(burst_id, outcome, Product.RTC_S1_STATIC) for burst_id, outcome in (statics or {}).items()
        ],
    )


def stored(aws):
    return json.loads(aws.get_object(Bucket="products", Key=KEY)["Body"].read())


def said(record):
    return {
        (one["collection"], one["burst_id"]): (one["outcome"], one["execution"]) for one in record["bursts"]
    }


def test_says_of_each_burst_what_became_of_it_and_why(aws):
    _record_processed(plan(link_static_layers=True), report({A: "made", B: "failed"}, statics={A: "made"}))
    record = stored(aws)
    assert (record["scene"], record["updated"]) == (SCENE, "2026-01-02T04:04:05Z")
    assert record["bursts"] == [
        {
            "collection": "s1_rtc_c1", "product": "RTC_S1", "burst_id": A, "outcome": "made", "execution": "run-1",
            "finished": "2026-01-02T04:04:05Z", "item": f"s3://products/{A}/metadata.json",
        },
        {
            "collection": "s1_rtc_c1", "product": "RTC_S1", "burst_id": B, "outcome": "failed", "execution": "run-1",
            "finished": "2026-01-02T04:04:05Z", "error_class": "transient", "message": "no orbit",
        },
        {
            "collection": "s1_rtc_static_c1", "product": "RTC_S1_STATIC", "burst_id": A, "outcome": "made",
            "execution": "run-1", "finished": "2026-01-02T04:04:05Z", "item": f"s3://products/{A}/metadata.json",
        },
    ]  # fmt: skip


def test_a_further_run_adds_what_it_made_and_keeps_what_stood(aws):
    _record_processed(plan(), report({A: "made", B: "failed"}))
    _record_processed(plan(), report({A: "skipped", B: "made"}, number=2))
    assert said(stored(aws)) == {("s1_rtc_c1", A): ("made", "run-1"), ("s1_rtc_c1", B): ("made", "run-2")}


def test_other_collections_of_a_project_share_the_file(aws):
    _record_processed(plan(), report({A: "made"}))
    static = {"product": "RTC_S1_STATIC"}
    _record_processed(plan(**static), report({A: "made"}, number=2, product="RTC_S1_STATIC"))
    assert said(stored(aws)).keys() == {("s1_rtc_c1", A), ("s1_rtc_static_c1", A)}


@pytest.mark.parametrize("outcome", ["skipped", "failed"])
def test_a_run_that_made_nothing_writes_nothing(aws, outcome):
    _record_processed(plan(), report({A: outcome}))
    assert "Contents" not in aws.list_objects_v2(Bucket="products")


def test_in_a_folder_of_this_machine_it_lies_beside_the_bursts(tmp_path):
    out = Location.local(tmp_path)
    _record_processed(plan(LocalPlaces(out=out, grids=out)), report({A: "made"}))
    _record_processed(plan(LocalPlaces(out=out, grids=out)), report({B: "made"}, number=2))
    record = json.loads((tmp_path / "monitoring" / "processed_scenes" / f"{SCENE}.json").read_text())
    assert said(record).keys() == {("s1_rtc_c1", A), ("s1_rtc_c1", B)}


def test_two_runs_that_end_at_once_are_both_in_it(aws, monkeypatch):
    real, between = compare_and_swap.read, [lambda: _record_processed(plan(), report({B: "made"}, number=2))]

    def read(at):
        found = real(at)
        if between:
            between.pop()()
        return found

    monkeypatch.setattr(compare_and_swap, "read", read)
    _record_processed(plan(), report({A: "made"}))
    assert said(stored(aws)).keys() == {("s1_rtc_c1", A), ("s1_rtc_c1", B)}


def test_a_record_that_is_never_left_alone_is_retried_later(aws, monkeypatch):
    monkeypatch.setattr(compare_and_swap, "write", lambda *given: False)
    with pytest.raises(TransientError, match="try again"):
        _record_processed(plan(), report({A: "made"}))


def test_a_record_that_cannot_be_read_is_written_again(aws):
    aws.put_object(Bucket="products", Key=KEY, Body=b"{")
    _record_processed(plan(), report({A: "made"}))
    assert said(stored(aws)) == {("s1_rtc_c1", A): ("made", "run-1")}
