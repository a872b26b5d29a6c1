"""The check of the real archives, run on stand-ins on loopback."""

import live_check
import pytest

from tests.support.archive_asf import PASSWORD, AsfArchive
from tests.support.archive_cdse import CdseArchive
from tests.support.archive_clock import Clock
from tests.support.archive_loopback import Fault


@pytest.fixture
def archives(archive_sample, monkeypatch, tmp_path):
    both = AsfArchive(archive_sample.safe), CdseArchive(archive_sample.safe)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for archive in both:
        for name, value in archive.environment.items():
            monkeypatch.setenv(name, value)
    yield both
    for archive in both:
        archive.close()


def check(sample, *words):
    given = ["--scene", sample.scene, "--burst-id", sample.bursts["iw2"][0], "--without-product", *words]
    return live_check.main(given, Clock().retry())


def marks(text):
    return [line[:4] for line in text.splitlines() if line[:4] in ("pass", "FAIL", "skip")]


def test_every_point_passes_where_all_is_well(archive_sample, archives, capsys):
    assert check(archive_sample) == 0
    sentence = capsys.readouterr().out
    assert marks(sentence) == ["pass"] * 9
    assert PASSWORD not in sentence


def test_points_of_cdse_are_reported_as_skipped_without_a_login(
    archive_sample, archives, capsys, monkeypatch
):
    monkeypatch.delenv("CDSE_PASSWORD")
    assert check(archive_sample) == 0
    assert marks(capsys.readouterr().out) == ["pass"] * 7 + ["skip"] * 2


def test_a_point_that_fails_says_why_and_makes_the_exit_code_1(archive_sample, archives, capsys):
    archives[0].extractor.faults = [Fault(".tiff", 500, lasting=True)]
    assert check(archive_sample) == 1
    sentence = capsys.readouterr().out
    assert "FAIL  the burst comes from ASF's extractor and is read" in sentence
    assert "could not be fetched (500)" in sentence
    assert "FAIL  CDSE gives the same pixels: could not be checked without 'asf pixels'" in sentence


def test_a_product_that_is_not_made_is_reported(archive_sample, archives, capsys, tmp_path):
    case = live_check.Case(live_check.parse_scene_id(archive_sample.scene), "nonsense", tmp_path, [])
    assert "not a burst id" in live_check.product_is_made(case)
