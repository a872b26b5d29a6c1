"""Every new scene of an area is started exactly once, whatever fails meanwhile."""

import json
import re
from datetime import timedelta

import pytest

from rtcflow_campaign.scene_start import SceneStarter
from rtcflow_contract.errors import TransientError
from tests.support.area_case import LIMITS, all_scenes
from tests.support.catalogue_case import INSIDE, NOW, OUTSIDE, granule
from tests.support.cmr_catalogue import Granule


class Crash(BaseException):
    """The process dies: nothing may catch it."""


def test_every_scene_of_the_area_is_started_with_its_settings(case):
    case.catalogue.granules.append(granule(9, at=OUTSIDE))
    swept = case.sweep(output_crs=3031, collection="coast")
    assert (swept.found, swept.started, swept.left) == (5, 5, 0)
    first = sorted(case.executions)[0]
    assert re.fullmatch(r"S1A-20260301T000000-s1-[0-9a-f]{10}-v0-1", first)
    assert case.payload(first) == {
        "scene": case.catalogue.granules[0].scene,
        "output_crs": 3031,
        "collection": "coast",
    }


def test_the_next_search_begins_before_the_last_ended(case):
    case.sweep()
    case.catalogue.granules.append(granule(50, hours_ago=20))
    case.sweep(NOW + timedelta(hours=1))
    assert case.scenes == all_scenes(case)
    (span,) = case.catalogue.requests[-1]["created_at[]"]
    assert span == "2026-03-09T12:00:00Z,2026-03-10T13:00:00Z"


def test_overlapping_searches_start_no_scene_twice(case):
    first = case.sweep()
    second = case.sweep(NOW + timedelta(minutes=5))
    assert (first.started, second.found, second.started) == (5, 5, 0)
    assert len(case.executions) == 5


@pytest.mark.parametrize("before_crash", [0, 1, 3, 5])
def test_a_process_that_dies_before_it_stores_the_position_loses_and_repeats_nothing(
    case, monkeypatch, before_crash
):
    start = SceneStarter.start
    calls = []

    def dying(self, area, found, processings):
        if len(calls) == before_crash:
            raise Crash
        calls.append(found)
        return start(self, area, found, processings)

    monkeypatch.setattr(SceneStarter, "start", dying)
    if before_crash == 5:
        monkeypatch.setattr(
            "rtcflow_campaign.area_sweep.remember", lambda *arguments: (_ for _ in ()).throw(Crash())
        )
    with pytest.raises(Crash):
        case.sweep()
    monkeypatch.undo()
    assert len(case.executions) == before_crash
    case.sweep(NOW + timedelta(hours=1))
    assert case.scenes == all_scenes(case)


def test_a_failed_start_leaves_the_position(case, monkeypatch):
    case.sweep()
    before = case.position
    case.catalogue.granules.append(granule(60, hours_ago=-0.5))

    def refuse(self, area, found, processings):
        raise TransientError("throttled")

    monkeypatch.setattr(SceneStarter, "start", refuse)
    with pytest.raises(TransientError):
        case.sweep(NOW + timedelta(hours=1))
    assert case.position == before


@pytest.mark.parametrize("broken", ["short", "down"])
def test_an_incomplete_search_starts_nothing_and_leaves_the_position(case, broken):
    case.sweep()
    before = case.position
    case.catalogue.granules.append(granule(60, hours_ago=-0.5))
    case.catalogue.disturb = lambda number, status, items: (503 if broken == "down" else 200, items[1:])
    with pytest.raises(TransientError):
        case.sweep(NOW + timedelta(hours=1))
    assert case.position == before
    assert len(case.executions) == 5


def test_starts_per_run_are_limited_and_the_rest_follow(case):
    few = LIMITS._replace(starts=2)
    runs = [case.sweep(NOW + timedelta(hours=hour), few) for hour in range(4)]
    assert [run.started for run in runs] == [2, 2, 1, 0]
    assert [run.left for run in runs] == [3, 1, 0, 0]
    assert case.scenes == all_scenes(case)
    assert case.position["searched_until"] == "2026-03-10T15:00:00Z"


def test_of_two_simultaneous_runs_one_stores_the_position_and_no_scene_starts_twice(case, monkeypatch):
    from rtcflow_campaign import area_sweep

    plain = area_sweep.remember

    def interrupted(*arguments):
        monkeypatch.undo()
        case.sweep(NOW + timedelta(minutes=1))
        return plain(*arguments)

    monkeypatch.setattr(area_sweep, "remember", interrupted)
    case.sweep()
    assert case.position["searched_until"] == "2026-03-10T12:01:00Z"
    assert len(case.executions) == 5


def test_of_two_processings_in_one_search_the_newest_is_started(case):
    newer = granule(0, unique="BEEF", processed=NOW)
    case.catalogue.granules.append(newer)
    case.sweep()
    assert len(case.executions) == 5
    assert newer.scene in case.scenes


def test_a_later_processing_is_ignored(case):
    case.sweep()
    case.catalogue.granules.append(granule(0, unique="BEEF", processed=NOW))
    assert case.sweep(NOW + timedelta(hours=1)).started == 0


def test_a_later_processing_replaces_where_the_area_says_so(case):
    case.sweep(revisions="replace")
    newer = granule(0, unique="BEEF", processed=NOW)
    case.catalogue.granules.append(newer)
    assert case.sweep(NOW + timedelta(hours=1), revisions="replace").started == 1
    (revised,) = (name for name in case.executions if name.endswith("-v0-1-BEEF"))
    assert case.payload(revised) == {"scene": newer.scene, "on_existing": "replace"}
    assert case.sweep(NOW + timedelta(hours=2), revisions="replace").started == 0


def test_a_new_product_version_is_started_beside_the_old(case):
    case.sweep()
    case.s3.delete_object(Bucket="work", Key="find_scenes/coast.json")
    case.starter = SceneStarter(case.machine, "0.2", "products", case.states)
    assert case.sweep().started == 5


def test_other_settings_give_another_name(case):
    case.sweep()
    case.s3.delete_object(Bucket="work", Key="find_scenes/coast.json")
    assert case.sweep(resolution=40, collection="coarse").started == 5


def test_an_earlier_processing_that_appears_late_replaces_nothing(case):
    case.sweep(revisions="replace")
    earlier = granule(0, unique="BEEF", processed=NOW - timedelta(days=9))
    case.catalogue.granules.append(earlier)
    assert case.sweep(NOW + timedelta(hours=1), revisions="replace").started == 0
    assert case.notice(f"{earlier.scene}-SLC", revisions="replace") == 0
    assert len(case.executions) == 5


def test_scenes_that_can_never_work_are_counted_and_not_started(case):
    uncalibrated = Granule(
        "S1C_IW_SLC__1SDV_20250301T000000_20250301T000027_041267_04E7A2_1DAD",
        NOW - timedelta(hours=1),
        INSIDE,
    )
    case.catalogue.granules[:] = [granule(0), uncalibrated]
    swept = case.sweep()
    assert (swept.found, swept.started, swept.unusable) == (2, 1, 1)


def test_a_position_of_a_later_release_is_read(case):
    case.sweep()
    position = {**case.position, "colour": "red"}
    case.s3.put_object(Bucket="work", Key="find_scenes/coast.json", Body=json.dumps(position).encode())
    assert case.sweep(NOW + timedelta(hours=1)).started == 0
