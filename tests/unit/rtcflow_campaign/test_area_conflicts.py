"""Areas that would write different products to the same place are refused."""

import json

import pytest

from rtcflow_campaign.area_sweep import read_areas
from tests.support.catalogue_case import SQUARE, feature, put_area


def test_areas_that_are_disabled_or_wrong_are_left_out_with_a_sentence(aws):
    put_area(aws, feature("one"), feature("two", enabled=False), file="areas/good.geojson")
    put_area(aws, feature("three", colour="red"), file="areas/more/bad.json")
    put_area(aws, feature("one"), file="areas/same.geojson")
    aws.put_object(Bucket="work", Key="areas/notes.txt", Body=b"x")
    files = read_areas("work", "products")
    assert [area.name for area in files.areas] == ["one"]
    assert len(files.refusals) == 2
    assert "colour" in files.refusals[0]
    assert "same.geojson is named one" in files.refusals[1]


def two_areas(case, first, second):
    put_area(case.s3, feature("one", **first), feature("two", **second))
    return read_areas("work", "products")


def test_areas_with_equal_settings_start_a_scene_once(case, handler, lambda_context):
    two_areas(case, {"output_crs": 3031}, {"output_crs": "EPSG:3031"})
    answer = handler({}, lambda_context)
    assert len(case.executions) == 5
    assert sum(area["started"] for area in answer["areas"]) == 5
    assert sum(area["before"] for area in answer["areas"]) == 5


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ({"resolution": 20}, {"resolution": 40}, "resolution 20 m and 40 m"),
        ({"output_crs": 3031}, {}, "CRS EPSG:3031 and default"),
        ({"engine": "native"}, {"engine": "isce3"}, "engine native and isce3"),
        (
            {"product": "RTC_S1_STATIC", "collection": "c"},
            {"product": "RTC_S1_STATIC", "collection": "c", "resolution": 40},
            "resolution",
        ),
        (
            {"collection": "a", "link_static_layers": True, "on_missing_static": "create"},
            {"collection": "b", "link_static_layers": True, "on_missing_static": "create", "resolution": 40},
            "RTC_S1_STATIC to s3://products/experimental/s1_rtc_static_c1",
        ),
    ],
)
def test_areas_that_write_other_products_to_one_place_are_refused_before_they_start(
    case, first, second, sentence
):
    files = two_areas(case, first, second)
    assert files.areas == []
    (refusal,) = files.refusals
    assert sentence in refusal
    assert "areas one and two write" in refusal


FAR = [[x + 40, y] for x, y in SQUARE]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"resolution": 20}, {"resolution": 40, "collection": "coarse"}),
        ({"resolution": 20}, {"resolution": 40, "s3_project_folder": "other"}),
        ({"resolution": 20}, {"resolution": 40, "square": FAR}),
        ({"resolution": 20, "tracks": [1]}, {"resolution": 40, "tracks": [2]}),
        ({"resolution": 20, "end": "2025-12-31"}, {"resolution": 40, "start": "2026-01-01"}),
        ({"engine": "native"}, {}),
        ({"resolution": 20}, {"resolution": 40, "enabled": False}),
    ],
)
def test_areas_that_write_to_different_places_do_not_conflict(case, first, second):
    assert two_areas(case, first, second).refusals == []


def test_a_byte_order_mark_does_no_harm(case):
    text = "\ufeff" + json.dumps(feature("coast"))
    case.s3.put_object(Bucket="work", Key="areas/a.json", Body=text.encode())
    assert [area.name for area in read_areas("work", "products").areas] == ["coast"]
