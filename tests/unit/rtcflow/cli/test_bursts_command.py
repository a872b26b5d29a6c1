"""`rtcflow bursts`: the bursts of a scene, from a SAFE or an archive's listing, one per line."""

import json
import os
import sys
from datetime import UTC, datetime

import pytest
from shapely.geometry import shape

from rtcflow.cli import app
from rtcflow.sources.scene.scene_bursts import OutlinedBurst, by_swath_and_time
from rtcflow_archives.archived_burst import ArchivedBurst
from tests.support.archive_asf import AsfArchive
from tests.support.archive_cdse import CdseArchive
from tests.support.burst_case import BURSTS, SCENE, write_case


def list_bursts(monkeypatch, *words):
    """The command's exit code."""
    monkeypatch.setattr(sys, "argv", ["rtcflow", "bursts", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        app.main()
    return caught.value.code or 0


@pytest.fixture
def archives(archive_sample, monkeypatch):
    both = [AsfArchive(archive_sample.safe), CdseArchive(archive_sample.safe)]
    for archive in both:
        for name, value in archive.environment.items():
            monkeypatch.setenv(name, value)
    # Listings are open.
    for name in [name for name in os.environ if name.startswith("EARTHDATA_") and not name.endswith("URL")]:
        monkeypatch.delenv(name)
    yield
    for archive in both:
        archive.close()


def test_a_line_has_id_time_swath_and_polarizations(tmp_path, monkeypatch, capsys):
    write_case(tmp_path)
    assert list_bursts(monkeypatch, "--safe", tmp_path / f"{SCENE}.SAFE") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "IW1" in line]
    assert lines == [
        f"{BURSTS[0]}  2022-01-01T12:47:45.000Z  IW1  VV VH",
        f"{BURSTS[1]}  2022-01-01T12:47:47.750Z  IW1  VV VH",
    ]


@pytest.mark.parametrize("source", ["asf", "cdse"])
def test_an_archive_lists_the_same_bursts_as_the_safe(archive_sample, archives, monkeypatch, capsys, source):
    assert list_bursts(monkeypatch, "--safe", archive_sample.safe) == 0
    of_safe = capsys.readouterr().out
    words = ("--scene", archive_sample.scene, "--scene-source", source)
    assert list_bursts(monkeypatch, *words) == 0
    assert capsys.readouterr().out == of_safe
    assert [line.split()[0] for line in of_safe.splitlines()] == [
        burst_id for swath in ("iw1", "iw2", "iw3") for burst_id in archive_sample.bursts[swath]
    ]


def test_bursts_are_ordered_by_swath_and_time_with_their_polarizations():
    def listed(burst_id, second, polarization):
        return ArchivedBurst(burst_id, None, polarization, datetime(2022, 1, 1, 12, 0, second, tzinfo=UTC))

    # Numbers start again after the last orbit of a repeat cycle; times do not.
    last, first, other = "t175_375887_iw1", "t001_000001_iw1", "t175_375887_iw2"
    found = by_swath_and_time(
        [
            listed(other, 1, "VV"),
            listed(first, 3, "VH"),
            listed(first, 4, "VV"),
            listed(last, 0, "VH"),
        ],
        ("VV", "VH"),
    )
    assert [(burst.burst_id, burst.polarizations) for burst in found] == [
        (last, ("VH",)),
        (first, ("VV", "VH")),
        (other, ("VV",)),
    ]
    assert found[1] == OutlinedBurst(first, datetime(2022, 1, 1, 12, 0, 4, tzinfo=UTC), "iw1", ("VV", "VH"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "give either --safe with a SAFE or --scene with a scene id"),
        (("--safe", "x", "--scene", SCENE), "give either --safe"),
        (("--safe", "/nowhere/scene"), "/nowhere/scene does not exist"),
        (("--safe", f"/nowhere/{SCENE}.SAFE"), "does not exist"),
        (("--scene", "nonsense"), "not a Sentinel-1 scene id"),
        (("--scene", SCENE, "--scene-source", "usgs"), "use asf or cdse"),
    ],
)
def test_wrong_input_is_one_sentence(monkeypatch, capsys, words, told):
    assert list_bursts(monkeypatch, *words) == 65
    answer = capsys.readouterr()
    assert answer.err.startswith("refused: ")
    assert told in answer.err
    assert len(answer.err.splitlines()) == 1
    assert answer.out == ""


def test_a_safe_without_annotation_is_refused(tmp_path, monkeypatch, capsys):
    write_case(tmp_path)
    for path in (tmp_path / f"{SCENE}.SAFE" / "annotation").glob("*.xml"):
        path.unlink()
    assert list_bursts(monkeypatch, "--safe", tmp_path / f"{SCENE}.SAFE") == 65
    assert f"scene {SCENE} lists no bursts; fetch the scene again" in capsys.readouterr().err


def features(path):
    return json.loads(path.read_text())["features"]


@pytest.mark.parametrize("source", ["safe", "asf"])
def test_outlines_are_written_as_geojson(archive_sample, archives, monkeypatch, capsys, tmp_path, source):
    words = {
        "safe": ("--safe", archive_sample.safe),
        "asf": ("--scene", archive_sample.scene, "--scene-source", "asf"),
    }[source]
    assert list_bursts(monkeypatch, *words, "--geojson", tmp_path / "bursts.geojson") == 0
    found = features(tmp_path / "bursts.geojson")
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert [one["id"] for one in found] == listed
    for one in found:
        [ring] = one["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        # The sample's coast.
        assert all(149 < x < 153 and -37 < y < -33 for x, y in ring)


def test_outlines_of_safe_and_archive_agree(archive_sample, archives, monkeypatch, tmp_path):
    of_scene = ("--scene", archive_sample.scene)
    assert list_bursts(monkeypatch, "--safe", archive_sample.safe, "--geojson", tmp_path / "a.geojson") == 0
    assert list_bursts(monkeypatch, *of_scene, "--geojson", tmp_path / "b.geojson") == 0
    for one, other in zip(features(tmp_path / "a.geojson"), features(tmp_path / "b.geojson"), strict=True):
        a, b = shape(one["geometry"]), shape(other["geometry"])
        assert a.is_valid
        # The play's archive takes whole rows of the geolocation grid.
        assert a.intersection(b).area > 0.5 * a.area


def test_a_burst_id_selects_that_burst(archive_sample, monkeypatch, capsys):
    wanted = archive_sample.bursts["iw2"][0]
    words = ("--safe", archive_sample.safe, "--burst-id", wanted.upper().replace("_", "-"))
    assert list_bursts(monkeypatch, *words, "--geojson", "-") == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["features"]] == [wanted]
    assert list_bursts(monkeypatch, "--safe", archive_sample.safe, "--burst-id", "t001_000001_iw1") == 65
    assert wanted in capsys.readouterr().err


def test_it_shows_the_location_of_a_bursts_product(archive_sample, monkeypatch, capsys, tmp_path):
    burst_id = archive_sample.bursts["iw1"][0]
    day = datetime.strptime(archive_sample.scene[17:25], "%Y%m%d").replace(tzinfo=UTC)
    folder = tmp_path / "out" / burst_id / f"{day.year}" / f"{day.month}" / f"{day.day}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    assert list_bursts(monkeypatch, "--safe", archive_sample.safe, "--products", tmp_path / "out") == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines[burst_id].endswith(str(folder))
    assert lines[archive_sample.bursts["iw2"][0]].endswith("no product")
