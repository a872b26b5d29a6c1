"""The report of a campaign sums the records of the scenes in its lists."""

import json
from datetime import timedelta

import pytest

from rtcflow_campaign.campaign_list import Items
from rtcflow_campaign.campaign_page import render
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_contract.campaign import CampaignInput, SceneRecord, SceneState, StartedCampaign
from rtcflow_contract.errors import ErrorClass, RefusedError
from rtcflow_contract.layers import Product
from rtcflow_scene.cost import campaign_scene_cost
from tests.support.campaign_case import START, item

REQUEST = CampaignInput(campaign="continent", scenes="s3://work/list.jsonl")
NOW = START + timedelta(days=1)
REGION = "us-west-2"


def record(number, state=SceneState.SUCCEEDED, **fields):
    one = item(number)
    values = {
        "name": one.name,
        "scene": one.payload["scene"],
        "product": Product.RTC_S1,
        "state": state,
        "execution": f"{one.name}-1",
        "attempts": 1,
        "started": START + timedelta(hours=number),
        "finished": START + timedelta(hours=number + 1),
        "seconds": 60.0,
        "cost_usd": 0.5,
    }
    return SceneRecord(**(values | fields))


def failed(number, error_class, reason, message="why"):
    return record(
        number, SceneState.FAILED, error_class=error_class, reason=reason, message=message, failed=1
    )


@pytest.fixture
def store(aws):
    found = CampaignStore("work", "continent")
    scenes = found.write_items(
        "run", "scenes.jsonl", Items([item(number) for number in range(6)], 0), REQUEST
    )
    static = found.write_items("run", "static.jsonl", Items([item(0, product="RTC_S1_STATIC")], 0), REQUEST)
    found.write_start(
        StartedCampaign(
            execution="run",
            started=START,
            product_version="0.1",
            request=REQUEST,
            scenes=scenes,
            static=static,
        )
    )
    return found


def test_scenes_are_counted_by_their_outcome(store):
    for one in (
        record(0, products=3, made=2),
        record(1, products=3, made=3, static_made=1),
        failed(2, ErrorClass.REFUSED, "dem"),
        record(3, SceneState.LEFT),
        # In no list of the last start.
        record(9, products=27, made=27),
    ):
        store.write_record(one)
    report = store.report(NOW, REGION)
    part = report.scenes
    assert (part.scenes, part.succeeded, part.failed, part.left, part.open) == (6, 2, 1, 1, 2)
    assert (part.products, part.made, part.static_made, part.failed_bursts) == (6, 5, 1, 1)
    assert (report.static.scenes, report.static.open) == (1, 1)
    assert report.outcome == "incomplete"
    assert "2 of 6 scenes succeeded, 1 failed, 1 left, 2 open" in report.message


def test_throughput_and_cost_are_from_first_start_to_last_end(store):
    for number in range(4):
        store.write_record(record(number, products=3, made=3))
    report = store.report(NOW, REGION)
    assert report.hours == 4.0
    assert report.throughput == 12 / 4.0
    assert report.cost_usd == pytest.approx(4 * (0.5 + campaign_scene_cost(REGION)))


def test_failures_are_grouped_by_class_and_reason_the_most_common_first(store):
    store.write_record(failed(0, ErrorClass.TRANSIENT, "network"))
    store.write_record(failed(1, ErrorClass.REFUSED, "dem", "no DEM over land"))
    store.write_record(failed(2, ErrorClass.REFUSED, "dem", "no DEM over land"))
    report = store.report(NOW, REGION)
    assert report.failed_by_class == {ErrorClass.REFUSED: 2, ErrorClass.TRANSIENT: 1}
    assert [(f.reason, f.scenes) for f in report.failures] == [("dem", 2), ("network", 1)]
    assert report.failures[0].message == "no DEM over land"


def test_a_campaign_is_complete_when_every_scene_succeeded(store):
    for number in range(6):
        store.write_record(record(number))
    static = item(0, product="RTC_S1_STATIC")
    store.write_record(record(0, name=static.name, product=Product.RTC_S1_STATIC))
    assert store.report(NOW, REGION).outcome == "complete"


def test_a_report_before_any_scene_ended_has_no_throughput(store):
    report = store.report(NOW, REGION)
    assert (report.throughput, report.hours, report.first_start) == (None, 0.0, None)
    assert "-" in render(report)


def test_a_campaign_that_never_started_has_no_report(aws):
    with pytest.raises(RefusedError, match="nowhere was never started"):
        CampaignStore("work", "nowhere").report(NOW, REGION)


def test_the_page_shows_totals_and_failures_as_text(store):
    store.write_record(record(0, products=1234, made=1))
    store.write_record(failed(1, ErrorClass.DEFECT, "bug", "<script>alert(1)</script>"))
    page = render(store.report(NOW, REGION))
    assert "1,234" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_the_handler_writes_report_and_page(store, aws, load_handler, lambda_context):
    store.write_record(record(0))
    module = load_handler("summarize_campaign", WORK_BUCKET="work")
    answer = module.lambda_handler({"campaign": "continent"}, lambda_context)
    assert answer["outcome"] == "incomplete"
    assert answer["report"] == "s3://work/campaigns/continent/report.json"
    for name in ("report.json", "report.html"):
        assert aws.get_object(Bucket="work", Key=f"campaigns/continent/{name}")["Body"].read()


def test_lines_that_were_left_out_are_named_and_the_campaign_is_not_complete(store):
    wrong = Items([item(0)], 0, ("line 2: no scene", "line 3: <b>no resolution"))
    start = store.read_start()
    store.write_start(
        start.model_copy(update={"scenes": store.write_items("run", "scenes.jsonl", wrong, REQUEST)})
    )
    store.write_record(record(0))
    store.write_record(record(0).model_copy(update={"name": item(0, product="RTC_S1_STATIC").name}))
    report = store.report(NOW, REGION)
    assert report.outcome == "incomplete"
    assert "1 of 1 scenes succeeded, 2 lines left out" in report.message
    assert report.lines_left_out == wrong.wrong
    assert "line 3: &lt;b&gt;no resolution" in render(report)


@pytest.mark.parametrize("data", [b"", b'{"name": "x"', b"[]"])
def test_a_record_that_cannot_be_read_leaves_its_scene_open(store, aws, data):
    store.write_record(record(0))
    aws.put_object(Bucket="work", Key=f"campaigns/continent/records/{item(1).name}.json", Body=data)
    report = store.report(NOW, REGION)
    assert (report.scenes.succeeded, report.scenes.open) == (1, 5)


def test_a_record_of_a_later_release_is_read(store, aws):
    data = json.dumps({**json.loads(record(1).model_dump_json()), "colour": "red"}).encode()
    aws.put_object(Bucket="work", Key=f"campaigns/continent/records/{item(1).name}.json", Body=data)
    assert store.report(NOW, REGION).scenes.succeeded == 1


def test_a_report_of_a_campaign_of_the_release_before_is_read(store, aws):
    key = "campaigns/continent/started.json"
    started = json.loads(aws.get_object(Bucket="work", Key=key)["Body"].read())
    for name in ("tolerated_failures", "max_attempts", "retry_refused"):
        del started["request"][name]
    for name in ("wrong", "told"):
        del started["scenes"][name]
    aws.put_object(Bucket="work", Key=key, Body=json.dumps(started).encode())
    assert store.report(NOW, REGION).scenes.scenes == 6
