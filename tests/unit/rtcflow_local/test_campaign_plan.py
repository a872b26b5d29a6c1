"""A plan lists every scene of the area, counts bursts, and takes static layers from the fewest scenes."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from rtcflow.cli.app import make_app
from rtcflow_archives.granule import SceneGranule
from rtcflow_contract.request import parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.campaign.area_plan import _months, _static_payload
from rtcflow_local.campaign.passes import cover, group_views
from tests.support.catalogue_case import INSIDE, NOW, OUTSIDE, feature, scene_name
from tests.support.cmr_catalogue import Catalogue, Granule, serve


def bursts(first, count=3, track=70):
    numbers = range(first, first + count)
    return [f"t{track:03d}_{number:06d}_iw{swath}" for number in numbers for swath in (1, 2, 3)]


def pass_of(day, first, *, since_node=1000.0, at=INSIDE, **fields):
    """A scene `day` days into March whose bursts begin at number `first`."""
    return Granule(
        scene_name(1440 * day),
        NOW,
        at,
        track=70,
        since_node_s=since_node,
        bursts=bursts(first),
        **fields,
    )


def seen(number, since_node, track=1):
    scene = parse_scene_id(scene_name(number))
    return SceneGranule(scene, NOW, NOW, "descending", track, since_node)


def test_passes_that_start_at_one_place_are_one_view():
    views = group_views([seen(0, 1000.0), seen(1, 1000.7), seen(2, 1027.0), seen(3, 1000.0, track=2)])
    assert sorted(len(group) for group in views.scenes.values()) == [1, 1, 2]
    assert {one.scene.id for one in views.samples} == {scene_name(number) for number in (1, 2, 3)}


def test_scenes_without_a_place_stand_alone():
    views = group_views([seen(0, None), seen(1, None)])
    assert len(views.scenes) == 2


def test_every_burst_is_taken_from_one_of_the_fewest_scenes():
    chosen = cover({"a": ["1", "2", "3"], "b": ["3", "4"], "c": ["1", "4"], "d": ["2"]}, rank=str)
    assert chosen == {"a": ["1", "2", "3"], "c": ["4"]}


def test_cover_of_nothing_is_nothing():
    assert cover({"a": []}) == {}


def test_a_period_is_searched_month_by_month():
    windows = [str(window) for window in _months(date(2025, 12, 30), date(2026, 2, 1))]
    assert windows == [
        "2025-12-30T00:00:00Z,2025-12-31T23:59:59Z",
        "2026-01-01T00:00:00Z,2026-01-31T23:59:59Z",
        "2026-02-01T00:00:00Z,2026-02-01T23:59:59Z",
    ]


def test_static_layers_go_where_the_scenes_link_to():
    payload = {
        "scene": scene_name(0),
        "s3_bucket": "own",
        "collection": "c",
        "linked_static_layers_s3_project_folder": "layers",
        "output_crs": 3031,
        "link_static_layers": True,
    }
    assert _static_payload(payload) == {
        "scene": scene_name(0),
        "product": "RTC_S1_STATIC",
        "collection": "s1_rtc_static_c1",
        "s3_bucket": "own",
        "s3_project_folder": "layers",
        "output_crs": 3031,
    }
    assert parse_request(_static_payload(payload), "b").collection == "s1_rtc_static_c1"


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """Run the command over an archive; gives its lists."""

    def run(granules, *options, **area):
        path = tmp_path / "coast.geojson"
        path.write_text(json.dumps(feature(**area)))
        with serve(Catalogue(granules)) as url:
            monkeypatch.setenv("RTCFLOW_CMR_URL", url)
            arguments = ["--aoi", str(path), "--start", "2026-03-02", "--end", "2026-03-31", *options]
            out = ["--out", str(tmp_path / "plan")]
            result = CliRunner().invoke(make_app(), ["campaign", "plan", *arguments, *out])
        if result.exception:
            raise result.exception
        folder = tmp_path / "plan"
        lists = {
            name: [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
            for name in ("scenes", "static")
            if (folder / f"{name}.jsonl").is_file()
        }
        return lists, json.loads((folder / "plan.json").read_text()), result.output

    return run


def test_plan_writes_lists_counts_and_estimate(planned):
    granules = [
        pass_of(1, 100),
        pass_of(13, 100, since_node=1000.5),
        pass_of(2, 103, since_node=1008.0),
        pass_of(3, 500, at=OUTSIDE),
        pass_of(40, 100),
    ]
    lists, plan, sentence = planned(granules, output_crs=3031, link_static_layers=True)
    assert [line["scene"] for line in lists["scenes"]] == [scene_name(1440 * day) for day in (1, 2, 13)]
    assert all(line["output_crs"] == 3031 for line in lists["scenes"] + lists["static"])
    static = {line["scene"]: line["burst_id_list"] for line in lists["static"]}
    assert static == {scene_name(1440 * 13): bursts(100), scene_name(1440 * 2): bursts(103)}
    (area,) = plan["areas"]
    assert (area["scenes"], area["bursts"], area["counted_on"], area["static_bursts"]) == (3, 27, 2, 18)
    assert plan["estimate"]["cost_usd"] > 0
    assert "27" in sentence
    assert "rtcflow campaign start coast" in sentence
    for line in lists["scenes"] + lists["static"]:
        parse_request(line, "products")


def test_a_static_campaign_has_the_fewest_scenes_alone(planned):
    granules = [pass_of(1, 100), pass_of(13, 100)]
    lists, _, _ = planned(granules, product="RTC_S1_STATIC", collection="layers")
    assert set(lists) == {"scenes"}
    (line,) = lists["scenes"]
    assert line["scene"] == scene_name(1440 * 13)
    assert line["burst_id_list"] == bursts(100)


def test_static_layers_can_be_left_out(planned):
    lists, _, _ = planned([pass_of(1, 100)], "--no-static")
    assert set(lists) == {"scenes"}


def test_scenes_without_listed_bursts_are_reported(planned):
    bare = pass_of(1, 100)
    bare.bursts = ()
    lists, plan, sentence = planned([bare])
    assert len(lists["scenes"]) == 1
    assert plan["areas"][0]["bursts"] == 27
    assert bare.scene in plan["areas"][0]["without_bursts"]
    assert "no bursts are listed" in sentence


def test_scenes_that_can_give_no_product_are_left_out(planned):
    early = Granule(
        "S1C_IW_SLC__1SDV_20250401T000000_20250401T000027_001267_00E7A2_1DAD", NOW, INSIDE, bursts=bursts(100)
    )
    lists, plan, sentence = planned([early, pass_of(1, 100)], "--start", "2025-03-02")
    assert [line["scene"] for line in lists["scenes"]] == [scene_name(1440)]
    assert "calibrated" in plan["areas"][0]["left_out"][early.scene]
    assert "1 scenes cannot give a product" in sentence


def test_a_scene_that_is_listed_incompletely_does_not_hold_up_the_plan(planned, monkeypatch):
    monkeypatch.setattr("rtcflow_files.retry.time.sleep", lambda seconds: None)
    broken = pass_of(2, 200, since_node=1027.0)
    # A gap in the third sub-swath.
    broken.bursts = [*broken.bursts[:-1], "t070_000204_iw3"]
    _, plan, sentence = planned([pass_of(1, 100), broken])
    assert "incompletely" in plan["areas"][0]["without_bursts"][broken.scene]
    assert plan["areas"][0]["bursts"] == 9 + 27
    assert "incompletely" in sentence


def test_an_archive_without_such_a_scene_is_reported(planned):
    lists, plan, sentence = planned([])
    assert lists == {"scenes": []}
    assert plan["lines"] == 0
    assert "there is nothing to start" in sentence
