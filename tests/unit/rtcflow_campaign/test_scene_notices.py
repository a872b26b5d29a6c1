"""A notice of the archive starts its scene once for each area that wants it."""

import json

import pytest

from rtcflow_campaign.scene_start import take_notice
from rtcflow_contract.errors import RefusedError, TransientError
from tests.support.area_case import all_scenes
from tests.support.catalogue_case import OUTSIDE, feature, granule, put_area


def test_a_notice_starts_its_scene_once(case):
    scene = case.catalogue.granules[0].scene
    case.notice(f"{scene}-SLC")
    case.notice(f"{scene}-SLC", key="granule-ur")
    assert case.scenes == [scene]
    case.sweep()
    assert case.scenes == all_scenes(case)


def test_a_notice_of_another_product_or_place_starts_nothing(case):
    elsewhere = granule(9, at=OUTSIDE)
    case.catalogue.granules.append(elsewhere)
    assert case.notice(f"{elsewhere.scene}-SLC") == 0
    assert case.notice("S1_367482_IW2_20260301T000000_VV_1DAD-BURST") == 0
    assert case.executions == {}


def test_a_notice_that_is_ahead_of_the_catalogue_is_retried(case):
    with pytest.raises(TransientError, match="not in the catalogue yet"):
        case.notice(f"{granule(30).scene}-SLC")


def test_a_message_that_is_not_a_notice_is_refused(case):
    with pytest.raises(RefusedError, match="granule_ur"):
        take_notice({"messageId": "1", "body": "{}"}, [], case.cmr, case.starter)


def test_only_failed_notices_are_returned(case, handler, lambda_context):
    put_area(case.s3, feature("coast"))
    names = [f"{case.catalogue.granules[0].scene}-SLC", f"{granule(30).scene}-SLC"]
    records = [
        {"messageId": str(number), "body": json.dumps({"granule_ur": name})}
        for number, name in enumerate(names)
    ]
    answer = handler({"Records": [*records, {"messageId": "2", "body": "?"}]}, lambda_context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert len(case.executions) == 1
