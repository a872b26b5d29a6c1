"""`rtcflow bursts`: the bursts of a scene, from a SAFE or an archive's listing, one a line."""

import os
import sys
from datetime import UTC, datetime

import pytest
from archive_asf import AsfArchive
from archive_cdse import CdseArchive
from burst_case import BURSTS, SCENE, write_case

from rtcflow.cli import app
from rtcflow.sources.scene.scene_bursts import SceneBurst, by_swath_and_time
from rtcflow_archives.archived_burst import ArchivedBurst


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
def test_an_archive_lists_what_the_safe_does(archive_sample, archives, monkeypatch, capsys, source):
    assert list_bursts(monkeypatch, "--safe", archive_sample.safe) == 0
    of_safe = capsys.readouterr().out
    words = ("--scene", archive_sample.scene, "--scene-source", source)
    assert list_bursts(monkeypatch, *words) == 0
    assert capsys.readouterr().out == of_safe
    assert [line.split()[0] for line in of_safe.splitlines()] == [
        burst_id for swath in ("iw1", "iw2", "iw3") for burst_id in archive_sample.bursts[swath]
    ]


def test_bursts_are_in_order_of_swath_and_time_with_the_polarizations_there():
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
    assert found[1] == SceneBurst(first, datetime(2022, 1, 1, 12, 0, 4, tzinfo=UTC), "iw1", ("VV", "VH"))


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
    assert f"scene {SCENE} lists no burst; fetch the scene again" in capsys.readouterr().err
