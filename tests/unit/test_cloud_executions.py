from datetime import datetime

import pytest
from campaign_case import item, payload

from rtcflow_cloud.executions import execution_arn
from rtcflow_contract.execution_name import (
    LONGEST,
    attempt_name,
    campaign_scene_name,
    found_scene_name,
    revised_scene_name,
)
from rtcflow_contract.scene_id import parse_scene_id

MACHINE = "arn:aws:states:us-west-2:123456789012:stateMachine:scene"
SCENE = parse_scene_id("S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD")


@pytest.mark.parametrize("started_by", [MACHINE, f"{MACHINE}:live", f"{MACHINE}:3"])
def test_an_execution_is_the_machines_whatever_started_it(started_by):
    assert execution_arn(started_by, "x-1") == "arn:aws:states:us-west-2:123456789012:execution:scene:x-1"


def test_names_of_found_scenes_have_scene_area_and_version():
    assert found_scene_name(SCENE, "antarctica", "0.1.2") == "S1A-20220101T124744-antarctica-v0-1-2"
    assert revised_scene_name(SCENE, "antarctica", "0.1") == "S1A-20220101T124744-antarctica-v0-1-1DAD"


def test_longest_names_leave_room_for_the_attempt():
    name = revised_scene_name(SCENE, "a" * 24, "100.100.100")
    assert len(attempt_name(name, 999)) <= LONGEST


def test_equal_payloads_have_equal_names():
    assert item(0).name == campaign_scene_name(payload(0, output_crs=None, compute="on_demand"), "0.1")


@pytest.mark.parametrize(
    "fields", [{"resolution": 30}, {"s3_project_folder": "other"}, {"product": "RTC_S1_STATIC"}]
)
def test_what_is_made_is_part_of_the_name(fields):
    assert campaign_scene_name(payload(0, **fields), "0.1") != item(0).name


def test_another_version_is_another_name():
    assert campaign_scene_name(payload(0), "0.2") != item(0).name


def test_a_name_says_scene_and_time_to_a_person():
    assert item(0).name.startswith(f"S1A-{datetime(2026, 3, 1):%Y%m%dT%H%M%S}-1DAD-s1-")
