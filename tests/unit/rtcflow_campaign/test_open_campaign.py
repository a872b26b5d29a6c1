"""A campaign's lists are checked to the last line before anything starts."""

import json

import pytest

from rtcflow_campaign.campaign_opening import OpeningSettings, open_campaign
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_contract.errors import RefusedError
from tests.support.campaign_case import item, payload

SETTINGS = OpeningSettings("products", "work", "0.1")
SCENES = "s3://work/campaigns/continent/scenes.jsonl"


def put(s3, lines, name="scenes.jsonl"):
    text = lines if isinstance(lines, str) else "".join(f"{json.dumps(line)}\n" for line in lines)
    s3.put_object(Bucket="work", Key=f"campaigns/continent/{name}", Body=text.encode())


def opened(**request):
    given = {"campaign": "continent", "scenes": SCENES, **request}
    return open_campaign(given, "continent-1", "2026-03-20T00:00:00Z", SETTINGS)


def test_items_are_written_with_the_names_of_their_executions(aws):
    put(aws, [payload(0), payload(1)])
    state = opened(max_scenes=7)
    key = "campaigns/continent/items/continent-1/scenes.jsonl"
    results = "campaigns/continent/results/continent-1/scenes"
    assert state["lists"] == [
        {"phase": "scenes", "key": key, "results": results, "count": 2, "tolerated": 10}
    ]
    assert state["max_scenes"] == 7
    store = CampaignStore("work", "continent")
    assert store.read_items(store.read_start().scenes) == [item(0), item(1)]


def test_a_scene_that_is_listed_twice_is_made_once(aws):
    put(aws, [payload(0), payload(0, compute="on_demand"), payload(0, collection="b")])
    assert opened()["lists"][-1]["count"] == 2
    assert CampaignStore("work", "continent").read_start().scenes.repeated == 1


def test_a_csv_gives_the_same_items(aws):
    put(aws, [payload(0, link_static_layers=True, resolution="30")])
    opened()
    store = CampaignStore("work", "continent")
    names = [one.name for one in store.read_items(store.read_start().scenes)]
    text = "\ufeffscene,s3_project_folder,link_static_layers,resolution,output_crs\n"
    put(aws, f"{text}{payload(0)['scene']},continent,true,30,\n", "scenes.csv")
    opened(scenes=SCENES.replace(".jsonl", ".csv"))
    (found,) = store.read_items(store.read_start().scenes)
    assert [found.name] == names
    assert found.payload["link_static_layers"] is True


def test_a_wrong_line_is_left_out_by_number_and_does_not_stop_the_others(aws):
    put(aws, f"{json.dumps(payload(0))}\nnot json\n\n{json.dumps(payload(1, resolution=-1))}\n[]\n")
    assert opened()["lists"][-1]["count"] == 1
    listed = CampaignStore("work", "continent").read_start().scenes
    assert listed.wrong == 3
    for sentence, line in zip(listed.told, ("line 2:", "line 4:", "line 5:"), strict=True):
        assert sentence.startswith(line)
    assert "resolution" in listed.told[1]


def test_a_wrong_line_of_the_static_list_stops_no_scene(aws):
    put(aws, [payload(0)])
    put(aws, [payload(0, product="RTC_S1_STATIC"), {"scene": "x"}], "static.jsonl")
    state = opened(static=SCENES.replace("scenes.jsonl", "static.jsonl"))
    assert [(one["phase"], one["count"]) for one in state["lists"]] == [("static", 1), ("scenes", 1)]


def test_a_list_without_a_line_that_can_work_is_refused(aws):
    put(aws, "not json\n[]\n")
    with pytest.raises(RefusedError) as refusal:
        opened()
    for part in ("line 1:", "line 2:", SCENES):
        assert part in refusal.value.message


def test_a_percentage_of_three_scenes_tolerates_none(aws):
    put(aws, [payload(number) for number in range(3)])
    assert opened()["lists"][-1]["tolerated"] == 10
    assert opened(tolerated_failures=0)["lists"][-1]["tolerated"] == 0
    assert opened(tolerated_failures=1, tolerated_failure_percent=70)["lists"][-1]["tolerated"] == 2


@pytest.mark.parametrize(
    ("first", "second", "part"),
    [
        ({}, {"resolution": 40}, "resolution 20 m and 40 m"),
        ({"engine": "native"}, {"engine": "isce3"}, "engine native and isce3"),
        (
            {"product": "RTC_S1_STATIC", "burst_id_list": "t070_149815_iw1"},
            {"product": "RTC_S1_STATIC", "burst_id_list": "t070_149815_iw1", "output_crs": 3031},
            "CRS default and EPSG:3031",
        ),
    ],
)
def test_lines_that_write_other_products_to_one_place_are_left_out(aws, first, second, part):
    put(aws, [payload(0, **first), payload(0, **second)])
    assert opened()["lists"][-1]["count"] == 1
    (line,) = CampaignStore("work", "continent").read_start().scenes.told
    assert line.startswith("line 2: writes")
    assert part in line
    assert "unlike line 1" in line


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"resolution": 40, "collection": "coarse"}),
        ({}, {"burst_id_list": "t070_149815_iw1"}),
        (
            {"product": "RTC_S1_STATIC", "burst_id_list": "t070_149815_iw1"},
            {"product": "RTC_S1_STATIC", "burst_id_list": "t070_149815_iw2", "resolution": 40},
        ),
    ],
)
def test_lines_that_write_to_different_places_do_not_conflict(aws, first, second):
    put(aws, [payload(0, **first), payload(0, **second)])
    assert opened()["lists"][-1]["count"] == 2


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        ({"scenes": "s3://work/list.txt"}, "campaign list"),
        ({"campaign": "No Name"}, "name of a campaign"),
        ({"max_scenes": 0}, "max_scenes"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_input_is_refused(aws, request_, part):
    with pytest.raises(RefusedError, match="campaign was refused") as refusal:
        opened(**request_)
    assert part in refusal.value.message


def test_an_empty_or_missing_list_is_refused(aws):
    with pytest.raises(RefusedError, match="does not exist"):
        opened()
    put(aws, [])
    with pytest.raises(RefusedError, match="has no scene"):
        opened()


def test_the_handler_opens(aws, load_handler, lambda_context):
    put(aws, [payload(0)])
    module = load_handler(
        "open_campaign", WORK_BUCKET="work", PRODUCTS_BUCKET="products", PRODUCT_VERSION="0.1"
    )
    event = {
        "request": {"campaign": "continent", "scenes": SCENES},
        "execution": "continent-1",
        "started": "2026-03-20T00:00:00Z",
    }
    assert module.lambda_handler(event, lambda_context)["lists"][-1]["count"] == 1
