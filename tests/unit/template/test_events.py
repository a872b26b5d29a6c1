import json
from pathlib import Path

import pytest

from rtcflow_archives.area import parse_areas
from rtcflow_campaign.campaign_list import make_items, parse_list
from rtcflow_contract.campaign import parse_campaign
from rtcflow_contract.layers import Product
from rtcflow_contract.request import parse_request

FOLDER = Path(__file__).resolve().parents[3] / "events"
EVENTS = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.name)
def test_example_payload_is_accepted_and_needs_no_bucket_of_a_users_own(path):
    payload = json.loads(path.read_text())
    request = parse_request(payload, "products")
    assert tuple(request.scene_source) == ("asf",)
    assert "s3://" not in json.dumps(payload)


def test_examples_show_both_products_and_linking():
    requests = [parse_request(json.loads(path.read_text()), "products") for path in EVENTS]
    assert {request.product for request in requests} == set(Product)
    assert any(request.link_static_layers for request in requests)
    assert any(request.output_crs == 3031 for request in requests)


@pytest.mark.parametrize("path", sorted((FOLDER / "areas").iterdir()), ids=lambda path: path.name)
def test_example_area_is_accepted(path):
    (area,) = parse_areas(path.read_text(), path.name)
    assert area.name == path.stem


def test_example_campaign_is_accepted():
    assert parse_campaign(json.loads((FOLDER / "campaigns" / "campaign.json").read_text())).static


def test_example_lists_name_the_same_scenes():
    scenes = []
    for name in ("scenes.jsonl", "scenes.csv"):
        lines = parse_list((FOLDER / "campaigns" / name).read_text(), name)
        scenes.append(
            [item.payload["scene"] for item in make_items(lines, "products", "0.1").refuse_wrong(name).items]
        )
    assert scenes[0] == scenes[1]
    assert len(scenes[0]) == 2
