from datetime import datetime

import pytest

from rtcflow_cloud.executions import execution_arn
from rtcflow_contract.execution_name import (
    _LONGEST,
    attempt_name,
    campaign_scene_name,
    found_scene_name,
    revised_scene_name,
    settings_digest,
)
from rtcflow_contract.layers import Product
from rtcflow_contract.request import parse_request
from rtcflow_contract.scene_id import parse_scene_id
from tests.support.campaign_case import item, payload

MACHINE = "arn:aws:states:us-west-2:123456789012:stateMachine:scene"
SCENE = parse_scene_id("S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD")


@pytest.mark.parametrize("started_by", [MACHINE, f"{MACHINE}:live", f"{MACHINE}:3"])
def test_an_execution_is_the_machines_whatever_started_it(started_by):
    assert execution_arn(started_by, "x-1") == "arn:aws:states:us-west-2:123456789012:execution:scene:x-1"


def request(**fields):
    return parse_request(payload(0, **fields), "products")


def name(**fields):
    return campaign_scene_name(request(**fields), "0.1")


def test_names_of_found_scenes_have_scene_settings_and_version():
    digest = settings_digest(request())
    assert (
        found_scene_name(SCENE, Product.RTC_S1, digest, "0.1.2") == f"S1A-20220101T124744-s1-{digest}-v0-1-2"
    )
    revised = revised_scene_name(SCENE, Product.RTC_S1, digest, "0.1")
    assert revised == f"S1A-20220101T124744-s1-{digest}-v0-1-1DAD"


def test_longest_names_leave_room_for_the_attempt():
    longest = revised_scene_name(SCENE, Product.RTC_S1_STATIC, "a" * 10, "100.100.100")
    assert len(attempt_name(longest, 999)) <= _LONGEST


@pytest.mark.parametrize(
    "fields",
    [
        {"output_crs": None, "compute": "on_demand", "max_concurrency": 3},
        {"resolution": "20"},
        {"resolution": 20.0},
        {"s3_project_folder": "/continent/"},
        {"on_existing": "skip"},
        {"linked_static_layers_collection": "unused"},
        {"s3_bucket": "products"},
    ],
)
def test_the_same_payload_in_another_spelling_has_the_same_name(fields):
    assert name(**fields) == item(0).name


def test_bursts_in_another_order_are_the_same_payload():
    bursts = ["t070_149815_iw3", "T070-149816-IW3"]
    assert name(burst_id_list=bursts) == name(burst_id_list=", ".join(reversed(bursts)).lower())


@pytest.mark.parametrize(
    "fields",
    [
        {"resolution": 30},
        {"s3_project_folder": "other"},
        {"product": "RTC_S1_STATIC"},
        {"burst_id_list": ["t070_149815_iw3"]},
        {"on_existing": "replace"},
        {"link_static_layers": True},
    ],
)
def test_what_is_made_is_part_of_the_name(fields):
    assert name(**fields) != item(0).name


def test_a_burst_list_on_s3_is_part_of_the_name():
    assert campaign_scene_name(request(), "0.1", "s3://b/one.txt") != item(0).name


def test_another_version_gives_another_name():
    assert campaign_scene_name(request(), "0.2") != item(0).name


def test_a_name_says_scene_and_time_to_a_person():
    assert item(0).name.startswith(f"S1A-{datetime(2026, 3, 1):%Y%m%dT%H%M%S}-1DAD-s1-")
