"""A run of FindScenes searches every area, whatever happens to one of them."""

import pytest

from rtcflow_campaign.scene_start import SceneStarter
from rtcflow_contract.errors import DefectError, RefusedError
from tests.support.area_case import all_scenes
from tests.support.catalogue_case import feature, put_area


def test_a_wrong_area_fails_the_run_after_the_others_were_searched(case, handler, lambda_context):
    put_area(case.s3, feature("coast"))
    put_area(case.s3, feature("bad", colour="red"), file="areas/b.geojson")
    with pytest.raises(RefusedError, match="colour"):
        handler({}, lambda_context)
    assert case.scenes == all_scenes(case)


def test_a_run_reports_what_it_did(case, handler, lambda_context):
    put_area(case.s3, feature("coast"))
    answer = handler({}, lambda_context)
    assert answer["not_reached"] == []
    assert answer["areas"] == [
        {
            "area": "coast",
            "found": 5,
            "started": 5,
            "before": 0,
            "left": 0,
            "unusable": 0,
            "retried": 0,
            "given_up": [],
        }
    ]


@pytest.mark.parametrize("data", [b"", b'{"searched_', b"[]", b'{"version": 7}'])
def test_a_position_that_cannot_be_read_stops_only_its_area(case, handler, lambda_context, data):
    put_area(case.s3, feature("one"), feature("two", collection="b"))
    case.s3.put_object(Bucket="work", Key="find_scenes/one.json", Body=data)
    with pytest.raises(RefusedError, match=r"area one: s3://work/find_scenes/one\.json"):
        handler({}, lambda_context)
    assert len(case.executions) == 5


def test_a_fault_in_one_area_does_not_stop_the_others(case, handler, lambda_context, monkeypatch):
    put_area(case.s3, feature("one"), feature("two", collection="b"))
    start = SceneStarter.start

    def failing(self, area, *arguments):
        if area.name == "one":
            raise KeyError("boom")
        return start(self, area, *arguments)

    monkeypatch.setattr(SceneStarter, "start", failing)
    with pytest.raises(DefectError, match="area one: KeyError"):
        handler({}, lambda_context)
    assert len(case.executions) == 5


def test_areas_are_searched_while_time_is_left_and_the_next_run_begins_with_the_others(
    case, handler, lambda_context
):
    put_area(case.s3, *(feature(f"area-{n}", collection=f"c{n}") for n in range(12)))
    # The first answer is the limit of the calls, the others are for areas.
    left = iter([300_000] * 6)
    lambda_context.get_remaining_time_in_millis = lambda: next(left, 1000)
    first = handler({}, lambda_context)
    assert len(first["areas"]) == 5
    assert len(first["not_reached"]) == 7
    left = iter([300_000] * 8)
    second = handler({}, lambda_context)
    assert sorted(area["area"] for area in second["areas"]) == sorted(first["not_reached"])
