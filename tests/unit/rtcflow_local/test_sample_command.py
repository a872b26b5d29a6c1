import shutil

import pytest
import typer
from typer.testing import CliRunner

from rtcflow_local.sample import read_sample
from rtcflow_local.sample.command import sample as command
from tests.support.sample_faults import (
    drop_annotation,
    drop_dem_tile,
    drop_orbit,
    empty_orbit,
    scramble_measurement,
    truncate_measurement,
)

app = typer.Typer()
app.command()(command)


@pytest.fixture
def broken(tiny_sample, tmp_path):
    """A copy of the sample scene, to break."""
    shutil.copytree(tiny_sample.folder, tmp_path / "sample")
    return read_sample(tmp_path / "sample")


def test_the_command_writes_a_scene_and_names_it(tmp_path):
    answer = CliRunner().invoke(
        app,
        [
            str(tmp_path),
            "--variant",
            "sea",
            "--swaths",
            "iw2",
            "--bursts",
            "1",
            "--lines",
            "64",
            "--samples",
            "512",
        ],
    )
    assert answer.exit_code == 0, answer.output
    written = read_sample(tmp_path)
    assert written.scene in answer.output
    assert f"rtcflow burst --safe {written.safe} --orbit {written.orbit}" in answer.output


def test_the_command_refuses_a_bad_option_in_one_sentence(tmp_path):
    answer = CliRunner().invoke(app, [str(tmp_path), "--platform", "S2A"])
    assert answer.exit_code == 65
    assert answer.output.startswith("refused: the sample scene cannot be made: platform 'S2A' is none of")


def test_a_day_before_the_first_is_refused(tmp_path):
    answer = CliRunner().invoke(app, [str(tmp_path), "--day", "1990-01-01"])
    assert answer.exit_code == 65
    assert "day lies before 2014-10-03" in answer.output


def test_a_truncated_measurement_is_half_as_long(broken):
    before = {path: path.stat().st_size for path in broken.safe.glob("measurement/*")}
    path = truncate_measurement(broken)
    assert path.stat().st_size == before[path] // 2


def test_a_scrambled_measurement_is_no_longer_a_tiff(broken):
    assert scramble_measurement(broken).read_bytes()[:2] == b"\xff\xff"


def test_a_dropped_tile_stays_in_the_list(broken):
    name = drop_dem_tile(broken)
    assert not (broken.dem / name).exists()
    assert name in (broken.dem / "tileList.txt").read_text()


@pytest.mark.parametrize("drop", [drop_orbit, drop_annotation])
def test_a_dropped_file_is_gone(broken, drop):
    assert not drop(broken).exists()


def test_an_empty_orbit_file_has_no_bytes(broken):
    assert empty_orbit(broken).stat().st_size == 0
