import json
from pathlib import Path

import pytest

from rtcflow_contract.layers import Product
from rtcflow_contract.request import parse_request

EVENTS = sorted((Path(__file__).resolve().parents[2] / "events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.name)
def test_example_payload_is_accepted(path):
    request = parse_request(json.loads(path.read_text()), "products")
    assert request.scene in request.scene_source


def test_examples_show_both_products_and_linking():
    requests = [parse_request(json.loads(path.read_text()), "products") for path in EVENTS]
    assert {request.product for request in requests} == set(Product)
    assert any(request.link_static_layers for request in requests)
    assert any(request.output_crs == 3031 for request in requests)
