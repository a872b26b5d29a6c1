"""A campaign's lists are checked to the last line before anything starts."""

import json

import pytest
from campaign_case import item, payload

from rtcflow_campaign.campaign_opening import Settings, open_campaign
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_contract.errors import RefusedError

SETTINGS = Settings("products", "work", "0.1")
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
    assert state["scenes"] == {"key": "campaigns/continent/items/continent-1/scenes.jsonl", "count": 2}
    assert state["static"]["count"] == 0
    assert (state["max_scenes"], state["tolerated_failure_percent"]) == (7, 10)
    store = CampaignStore("work", "continent")
    assert store.read_items(store.read_start().scenes) == [item(0), item(1)]


def test_a_scene_that_is_there_twice_is_made_once(aws):
    put(aws, [payload(0), payload(0, compute="on_demand"), payload(0, resolution=30)])
    assert opened()["scenes"]["count"] == 2
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


def test_every_wrong_line_is_named(aws):
    put(aws, f"{json.dumps(payload(0))}\nnot json\n\n{json.dumps(payload(1, resolution=-1))}\n[]\n")
    with pytest.raises(RefusedError) as refusal:
        opened()
    for told in ("line 2:", "line 4:", "resolution", "line 5:", SCENES):
        assert told in refusal.value.message


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"scenes": "s3://work/list.txt"}, "campaign list"),
        ({"campaign": "No Name"}, "name of a campaign"),
        ({"max_scenes": 0}, "max_scenes"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_input_is_refused(aws, request_, told):
    with pytest.raises(RefusedError, match="campaign was refused") as refusal:
        opened(**request_)
    assert told in refusal.value.message


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
    assert module.lambda_handler(event, lambda_context)["scenes"]["count"] == 1
