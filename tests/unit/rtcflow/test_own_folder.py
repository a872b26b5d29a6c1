"""Each process has its own folder; the next one removes what killed processes left."""

import os
import subprocess
import sys

import pytest

from rtcflow.own_folder import own_folder
from rtcflow_contract.errors import DefectError

HOLD = """
import sys
from pathlib import Path
from rtcflow.own_folder import own_folder
with own_folder(Path(sys.argv[1])) as own:
    (own / "burst").mkdir()
    (own / "burst" / "pixels.tif").write_bytes(b"0" * 1000)
    print(own, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds a folder with files."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.folder = process.stdout.readline().strip()
    yield process
    process.kill()
    process.communicate()


def test_folder_exists_while_it_is_needed(tmp_path):
    with own_folder(tmp_path) as own:
        (own / "file").touch()
    assert not own.exists()


def test_folder_of_a_living_process_stays(tmp_path, other):
    with own_folder(tmp_path) as own:
        assert own != other.folder
        assert os.path.exists(f"{other.folder}/burst/pixels.tif")


def test_folder_of_a_killed_process_is_removed_by_the_next(tmp_path, other):
    other.kill()
    other.wait()
    assert os.path.exists(f"{other.folder}/burst/pixels.tif")
    with own_folder(tmp_path):
        assert not os.path.exists(other.folder)


def test_nothing_else_is_removed(tmp_path):
    (tmp_path / "rtcflow-products").mkdir()
    (tmp_path / "rtcflow-own-file").touch()
    (tmp_path / "away").mkdir()
    (tmp_path / "rtcflow-own-link").symlink_to(tmp_path / "away")
    before = {path.name for path in tmp_path.iterdir()}
    with own_folder(tmp_path):
        pass
    assert before <= {path.name for path in tmp_path.iterdir()}


def test_folder_that_cannot_be_written_gives_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(DefectError, match="RTCFLOW_WORK_DIR") as told,
        own_folder(tmp_path / "file" / "below"),
    ):
        pass
    assert "\n" not in str(told.value)
