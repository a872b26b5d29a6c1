"""`rtcflow burst`: each fault is one sentence with the exit code of its class, and leaves nothing half done."""

import errno
import os
import signal
import threading
from datetime import UTC, datetime

import pytest

from rtcflow.cli.work_folder import work_folder
from rtcflow.scene_run import NO_BUCKET, RunSettings, SafeOfThisMachine, Scene, plan_scenes
from rtcflow.task_loop import TaskLoop
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import LocalPlaces, Sources
from rtcflow_contract.keys import COLLECTION, GRIDS, MANIFEST, MONITORING, Location
from tests.support.burst_case import BURSTS, ORBIT, SCENE
from tests.support.burst_command import burst, manifest_in, names_in


@pytest.fixture
def interrupt(monkeypatch):
    """Interrupts the program as Ctrl-C does, and continues when the program has noticed."""
    noticed = threading.Event()
    abort = TaskLoop.abort

    def notice(self, patience_s):
        self._aborted = True
        noticed.set()
        return abort(self, patience_s)

    monkeypatch.setattr(TaskLoop, "abort", notice)

    def interrupting():
        os.kill(os.getpid(), signal.SIGINT)
        assert noticed.wait(20)

    # A shell starts background processes with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield interrupting
    signal.signal(signal.SIGINT, before)


def test_after_an_interruption_only_missing_bursts_are_made(case, engine, monkeypatch, capsys, interrupt):
    engine.before_last = lambda: interrupt() if (case / "out" / BURSTS[0]).exists() else None
    both = ("--burst-id", BURSTS[0])
    assert burst(monkeypatch, case, *both) == 130
    assert names_in(case / "out") == {BURSTS[0], COLLECTION, GRIDS, MONITORING}
    assert "interrupted: 1 of 2 bursts are done; run the same command again" in capsys.readouterr().err
    [folder] = (path.parent for path in (case / "out" / BURSTS[0]).rglob(MANIFEST))
    first = manifest_in(folder)
    engine.before_last = lambda: None
    assert burst(monkeypatch, case, *both) == 0
    told = capsys.readouterr().out
    assert f"{BURSTS[0]}: skipped" in told
    assert f"{BURSTS[1]}: " in told
    assert manifest_in(folder) == first


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--orbit", "is not an orbit file; give one that ends in .EOF, or a folder of them"),
        ("--dem", "is not a DEM; give a GeoTIFF (.tif, .tiff, .vrt), or a folder of tiles"),
    ],
)
def test_a_file_that_is_no_input_is_refused_with_what_to_give(
    case, engine, monkeypatch, capsys, option, sentence
):
    other = case / "notes.txt"
    other.write_text("hello")
    assert burst(monkeypatch, case, option, str(other)) == 65
    said = capsys.readouterr().err
    assert sentence in said
    assert str(other) in said
    assert not (case / "out").exists()


def test_no_burst_is_made_when_one_of_them_is_wrong(case, engine, monkeypatch, capsys):
    assert burst(monkeypatch, case, "--burst-id", "t070_148099_iw1") == 65
    assert not (case / "out").exists()
    told = capsys.readouterr().err
    assert "burst t070_148099_iw1 is not in scene" in told
    assert f"it has {BURSTS[0]}" in told


FAULTS = [
    ({"safe": f"/nowhere/{SCENE}.SAFE"}, "does not exist"),
    ({"safe": "/nowhere/scene"}, "/nowhere/scene does not exist"),
    ({"safe": "/proc/self"}, "the name of '/proc/self' is not a Sentinel-1 scene id"),
    ({"orbit": f"/nowhere/{ORBIT}"}, "does not exist"),
    ({"dem": "/nowhere/dem.tif"}, "does not exist"),
    ({"dem": "/nowhere"}, "does not exist"),
    ({"burst_id": "x"}, "not a burst id"),
    ({"output_crs": 4326}, "output_crs 4326 is in degrees"),
    ({"output_crs": 99999}, "not a known EPSG code"),
    ({"output_crs": "utm"}, "write it like 3031"),
    ({"product_version": "../../x"}, "not a product version"),
    ({"grids": "/nowhere"}, "there are no grids in /nowhere"),
]


@pytest.mark.parametrize(("changes", "words"), FAULTS)
def test_wrong_input_is_one_sentence_without_a_trace(case, engine, monkeypatch, capsys, changes, words):
    assert burst(monkeypatch, case, **changes) == 65
    told = capsys.readouterr().err
    assert words in told
    assert told.startswith("refused: ")
    assert len(told.splitlines()) == 1
    assert not list((case / "out").rglob("*.tif")) if (case / "out").exists() else True


def test_a_missing_engine_is_refused_with_what_to_do(case, monkeypatch, capsys):
    assert burst(monkeypatch, case, engine="isce3") == 65
    assert "engine isce3 is not installed here" in capsys.readouterr().err


def test_a_full_disk_is_one_sentence_without_a_hint_at_traces(case, engine, monkeypatch, capsys):
    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    engine.before_last = fail
    assert burst(monkeypatch, case) == 70
    told = capsys.readouterr().err
    assert told.startswith("defect: the disk is full (work folder); free space")
    assert "--debug" not in told


def test_a_defect_shows_its_trace_only_when_asked(case, engine, monkeypatch, capsys):
    def fail():
        raise ValueError("a bug")

    engine.before_last = fail
    assert burst(monkeypatch, case) == 70
    told = capsys.readouterr().err
    assert "defect: unexpected ValueError: a bug" in told
    assert "Traceback" not in told
    monkeypatch.setenv("RTCFLOW_DEBUG", "1")
    assert burst(monkeypatch, case) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_failed_burst_leaves_nothing_but_its_grid(case, engine, monkeypatch):
    def fail():
        raise ValueError("a bug")

    engine.before_last = fail
    burst(monkeypatch, case)
    assert names_in(case / "out") == {GRIDS}


def test_a_stopped_burst_leaves_nothing_but_its_grid(case, engine, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    engine.before_last = lambda: os.kill(os.getpid(), signal.SIGTERM)
    try:
        assert burst(monkeypatch, case) == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert names_in(case / "out") == {GRIDS}


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RefusedError, match="cannot write to"), work_folder(tmp_path / "file" / "out", None):
        pass


def test_a_scene_in_the_place_of_the_products_stays_as_it_is(case, engine, monkeypatch, capsys):
    safe = case / f"{SCENE}.SAFE"
    before = sorted(safe.rglob("*"))
    assert burst(monkeypatch, case, out=safe) == 65
    assert "is a scene; give another folder for the products" in capsys.readouterr().err
    assert sorted(safe.rglob("*")) == before


def test_a_clock_before_the_acquisition_is_refused(case, engine, tmp_path):
    payload = {"scene": SCENE, "burst_id_list": BURSTS[1], "s3_bucket": NO_BUCKET}
    safe = str(case / f"{SCENE}.SAFE")
    sources = Sources(scene=safe, orbits=str(case / ORBIT), dem=str(case / "dem.tif"))
    out = Location.local(tmp_path / "out")
    settings = RunSettings(tmp_path / "work", LocalPlaces(out=out, grids=out))
    for now, refused in ((datetime(2021, 1, 1, tzinfo=UTC), True), (datetime(2022, 1, 2, tzinfo=UTC), False)):
        (planned,) = plan_scenes([Scene(payload, sources, SafeOfThisMachine(safe))], settings, now)
        assert (planned.error is not None and planned.error.reason == "clock") is refused
