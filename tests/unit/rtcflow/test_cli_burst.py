"""`rtcflow burst`: products on this machine, and each fault as one sentence with the exit code of its class."""

import errno
import os
import signal
import sys
import threading
from importlib.metadata import version

import pystac
import pytest

import rtcflow.burst
import rtcflow.inputs
from rtcflow.cli import app
from rtcflow.cli.work_folder import work_folder
from rtcflow.task_loop import TaskLoop
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import COLLECTION, GRIDS, ITEM, MANIFEST, MONITORING
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from tests.support.burst_case import BURSTS, GRID, ORBIT, SCENE, DrawingEngine, write_case

PASS = f"{BURSTS[1]}/2022/1/1"


@pytest.fixture
def case(tmp_path):
    write_case(tmp_path)
    return tmp_path


@pytest.fixture
def engine(monkeypatch):
    drawing = DrawingEngine()
    monkeypatch.setattr(rtcflow.burst, "choose_engine", lambda choice: drawing)
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", lambda *arguments: GRID)
    monkeypatch.delenv("RTCFLOW_DEBUG", raising=False)
    return drawing


def run(monkeypatch, *words):
    """Exit code of the program."""
    monkeypatch.setattr(sys, "argv", ["rtcflow", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        app.main()
    return caught.value.code or 0


def burst(monkeypatch, case, *words, **changes):
    given = {
        "--safe": case / f"{SCENE}.SAFE",
        "--burst-id": BURSTS[1],
        "--orbit": case / ORBIT,
        "--dem": case / "dem.tif",
        "--out": case / "out",
    }
    given |= {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return run(monkeypatch, "burst", *(word for pair in given.items() for word in pair), *words)


def write_later_pass(folder):
    """The same bursts 12 days later; gives SAFE and orbit."""
    write_case(folder)
    safe, orbit = (folder / later(name) for name in (f"{SCENE}.SAFE", ORBIT))
    (folder / f"{SCENE}.SAFE").rename(safe)
    (folder / ORBIT).rename(orbit)
    for path in (orbit, *safe.rglob("*.xml")):
        path.write_text(later(path.read_text()))
    return safe, orbit


def later(text):
    dates = {
        "2022-01-01": "2022-01-13",
        "20220101": "20220113",
        "20211231": "20220112",
        "20220102": "20220114",
    }
    for before, after in {**dates, "41267": "41442"}.items():
        text = text.replace(before, after)
    return text


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def manifest_in(folder):
    return Manifest.model_validate_json((folder / MANIFEST).read_bytes())


def test_a_burst_is_made_in_a_folder_of_its_own(case, engine, monkeypatch, capsys):
    assert burst(monkeypatch, case) == 0
    manifest = manifest_in(case / "out" / PASS)
    assert manifest.product is Product.RTC_S1
    assert {path.name for path in (case / "out" / PASS).iterdir()} >= {f.name for f in manifest.files}
    assert names_in(case / "out") == {BURSTS[1], COLLECTION, GRIDS, MONITORING}
    assert f"{BURSTS[1]}: " in capsys.readouterr().out


def test_the_stac_item_names_the_files_beside_it_and_who_processed(case, engine, monkeypatch):
    monkeypatch.setenv("PROCESSOR_NAME", "Example Institute")
    assert burst(monkeypatch, case) == 0
    folder = case / "out" / PASS
    item = pystac.Item.from_file(str(folder / ITEM))
    assert item.id == manifest_in(folder).product_id
    assert all((folder / asset.href).is_file() for asset in item.assets.values())
    assert item.get_collection().id == item.collection_id
    assert "Example Institute" in (folder / ITEM).read_text()


def test_several_bursts_are_made_in_one_go_in_any_spelling(case, engine, monkeypatch):
    assert burst(monkeypatch, case, "--burst-id", "070_148570_IW1") == 0
    assert names_in(case / "out") == {*BURSTS, COLLECTION, GRIDS, MONITORING}


def test_no_burst_is_made_when_one_of_them_is_wrong(case, engine, monkeypatch, capsys):
    assert burst(monkeypatch, case, "--burst-id", "t070_148099_iw1") == 65
    assert not (case / "out").exists()
    told = capsys.readouterr().err
    assert "burst t070_148099_iw1 is not in scene" in told
    assert f"it has {BURSTS[0]}" in told


def test_the_grid_is_taken_from_static_products(case, engine, monkeypatch):
    assert burst(monkeypatch, case, product="RTC_S1_STATIC", out=case / "static") == 0
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", None)
    assert burst(monkeypatch, case, static=case / "static") == 0
    made = manifest_in(case / "out" / PASS)
    assert made.grid == manifest_in(case / "static" / BURSTS[1]).grid
    assert burst(monkeypatch, case, static=case / "out", out=case / "other") == 65


def test_a_product_that_exists_is_skipped_and_told(case, engine, monkeypatch, capsys):
    burst(monkeypatch, case)
    first = manifest_in(case / "out" / PASS)
    capsys.readouterr()
    assert burst(monkeypatch, case) == 0
    assert f"{BURSTS[1]}: skipped, a product of 20 m by engine" in capsys.readouterr().out
    assert manifest_in(case / "out" / PASS) == first


def test_a_product_that_exists_is_made_anew_when_asked(case, engine, monkeypatch, capsys):
    burst(monkeypatch, case)
    first = manifest_in(case / "out" / PASS)
    assert burst(monkeypatch, case, on_existing="replace") == 0
    assert "skipped" not in capsys.readouterr().out
    assert manifest_in(case / "out" / PASS).execution != first.execution


@pytest.fixture
def interrupt(monkeypatch):
    """Interrupts the program as Ctrl-C does, and goes on when it has taken note."""
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

    # A shell starts what it runs in the background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield interrupting
    signal.signal(signal.SIGINT, before)


def test_after_an_interruption_only_what_is_missing_is_made(case, engine, monkeypatch, capsys, interrupt):
    engine.before_last = lambda: interrupt() if (case / "out" / BURSTS[0]).exists() else None
    both = ("--burst-id", BURSTS[0])
    assert burst(monkeypatch, case, *both) == 130
    assert names_in(case / "out") == {BURSTS[0], COLLECTION, GRIDS, MONITORING}
    assert "interrupted: 1 of 2 bursts are there; run the same command again" in capsys.readouterr().err
    [folder] = (path.parent for path in (case / "out" / BURSTS[0]).rglob(MANIFEST))
    first = manifest_in(folder)
    engine.before_last = lambda: None
    assert burst(monkeypatch, case, *both) == 0
    told = capsys.readouterr().out
    assert f"{BURSTS[0]}: skipped" in told
    assert f"{BURSTS[1]}: " in told
    assert manifest_in(folder) == first


def test_backscatter_and_static_layers_do_not_share_a_folder(case, engine, monkeypatch, capsys):
    assert burst(monkeypatch, case) == 0
    assert burst(monkeypatch, case, product="RTC_S1_STATIC") == 65
    assert "holds products of collection s1_rtc_c1; give RTC_S1_STATIC another" in capsys.readouterr().err
    assert manifest_in(case / "out" / PASS).product is Product.RTC_S1


def test_passes_of_many_days_live_in_one_folder(case, engine, monkeypatch):
    assert burst(monkeypatch, case) == 0
    first = manifest_in(case / "out" / PASS)
    safe, orbit = write_later_pass(case / "later")
    assert burst(monkeypatch, case, safe=safe, orbit=orbit) == 0
    folders = sorted(path.parent.relative_to(case / "out") for path in (case / "out").rglob(ITEM))
    assert [str(folder) for folder in folders] == [PASS, f"{BURSTS[1]}/2022/1/13"]
    assert manifest_in(case / "out" / PASS) == first


@pytest.fixture
def other_footprints(monkeypatch):
    """Each pass's own footprint is another one."""
    grids = iter(GRID.model_copy(update={"left": GRID.left + 20 * n}) for n in range(9))
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", lambda *arguments: next(grids))


def grid_origin(folder):
    manifest = manifest_in(folder)
    return manifest.grid, manifest.parameters["grid_origin"]


def test_a_later_pass_lies_on_the_grid_of_the_first(case, engine, monkeypatch, other_footprints):
    assert burst(monkeypatch, case) == 0
    safe, orbit = write_later_pass(case / "later")
    assert burst(monkeypatch, case, safe=safe, orbit=orbit) == 0
    assert names_in(case / "out" / GRIDS / BURSTS[1]) == {"default_20m.json"}
    assert grid_origin(case / "out" / PASS) == (GRID, "burst footprint")
    assert grid_origin(case / "out" / f"{BURSTS[1]}/2022/1/13") == (GRID, "grid store")


def test_grids_of_another_folder_are_taken_and_stored_there(case, engine, monkeypatch, other_footprints):
    assert burst(monkeypatch, case, out=case / "first") == 0
    also = ("--burst-id", BURSTS[0])
    assert burst(monkeypatch, case, *also, grids=case / "first") == 0
    assert grid_origin(case / "out" / PASS) == (GRID, "grid store")
    assert names_in(case / "out") == {*BURSTS, COLLECTION, MONITORING}
    assert names_in(case / "first" / GRIDS) == set(BURSTS)


def test_each_crs_has_a_grid_of_its_own(case, engine, monkeypatch):
    assert burst(monkeypatch, case) == 0
    assert burst(monkeypatch, case, output_crs=GRID.epsg, on_existing="replace") == 0
    assert names_in(case / "out" / GRIDS / BURSTS[1]) == {"default_20m.json", f"epsg{GRID.epsg}_20m.json"}


def test_a_stored_grid_that_is_none_is_refused_by_name(case, engine, monkeypatch, capsys):
    stored = case / "out" / GRIDS / BURSTS[1] / "default_20m.json"
    stored.parent.mkdir(parents=True)
    stored.write_text("")
    assert burst(monkeypatch, case) == 65
    assert "is not a grid; delete it and start again" in capsys.readouterr().err


def test_a_product_that_was_left_without_its_item_gets_it(case, engine, monkeypatch):
    assert burst(monkeypatch, case) == 0
    item = case / "out" / PASS / ITEM
    item.unlink()
    assert burst(monkeypatch, case) == 0
    assert item.exists()


def test_a_crs_is_taken_in_the_spelling_of_the_payload_too(case, engine, monkeypatch):
    assert burst(monkeypatch, case, output_crs=f"EPSG:{GRID.epsg}") == 0
    assert manifest_in(case / "out" / PASS).parameters["output_crs"] == GRID.epsg


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


def test_an_engine_that_is_missing_is_refused_with_what_to_do(case, monkeypatch, capsys):
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


def test_inputs_given_relative_to_here_are_linked_by_their_whole_paths(case, engine, monkeypatch):
    monkeypatch.chdir(case)
    relative = {"safe": f"{SCENE}.SAFE", "orbit": ORBIT, "dem": "dem.tif", "out": "out"}
    assert burst(monkeypatch, case, **relative) == 0
    item = pystac.Item.from_file(str(case / "out" / PASS / ITEM))
    linked = {link.rel: link.href for link in item.links}
    assert linked["derived_from"] == f"file://{case}/{SCENE}.SAFE"
    assert linked["orbit-source"] == f"file://{case}/{ORBIT}"
    assert linked["dem-source"] == f"file://{case}/dem.tif"


def test_the_version_is_shown(monkeypatch, capsys):
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith(f"rtcflow {version('rtcflow')}")


class _Entry:
    def __init__(self, name, loads):
        self.name = name
        self._loads = loads

    def load(self):
        return self._loads()


def test_commands_of_other_distributions_are_added(monkeypatch, capsys):
    import typer

    group = typer.Typer()
    group.command("up")(lambda: print("twin is up"))
    group.command("down")(lambda: None)

    def hello() -> None:
        print("hello from elsewhere")

    def broken():
        raise ImportError("no such part")

    entries = [_Entry("hello", lambda: hello), _Entry("twin", lambda: group), _Entry("broken", broken)]
    monkeypatch.setattr(app, "entry_points", lambda group: entries)
    assert run(monkeypatch, "hello") == 0
    assert run(monkeypatch, "twin", "up") == 0
    assert capsys.readouterr().out.splitlines() == ["hello from elsewhere", "twin is up"]
    assert run(monkeypatch, "broken") == 70
    assert "command 'broken' cannot be loaded" in capsys.readouterr().err


def test_only_the_command_that_is_asked_for_is_loaded(monkeypatch, capsys):
    def never():
        raise AssertionError("loaded")

    def hello() -> None:
        print("hello")

    entries = [_Entry("hello", lambda: hello), _Entry("slow", never)]
    # The option sets it, for good.
    monkeypatch.setenv("RTCFLOW_DEBUG", "0")
    monkeypatch.setattr(app, "entry_points", lambda group: entries)
    assert run(monkeypatch, "--debug", "hello") == 0
    assert capsys.readouterr().out == "hello\n"


def test_a_path_that_cannot_be_written_is_refused_by_name(monkeypatch, capsys, tmp_path):
    def write() -> None:
        (tmp_path / "missing" / "file").write_text("")

    monkeypatch.setattr(app, "entry_points", lambda group: [_Entry("write", lambda: write)])
    assert run(monkeypatch, "write") == 65
    told = capsys.readouterr().err
    assert told == f"refused: {tmp_path / 'missing' / 'file'}: No such file or directory; give another path\n"


def test_a_burst_that_is_told_to_stop_leaves_nothing_but_its_grid(case, engine, monkeypatch):
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
