"""`rtcflow scene`: whole scenes in one process, to a folder or to S3; failures, output and exit codes."""

import json
import math
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

import rtcflow.burst_run
import rtcflow.inputs
import rtcflow.scene_run
import rtcflow.task_loop
from rtcflow.cli import app
from rtcflow.cli.app import spelled
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.keys import COLLECTION, GRIDS, ITEM, MANIFEST, MONITORING
from rtcflow_contract.manifest import Manifest
from tests.support.burst_case import BURSTS, GRID, ORBIT, SCENE, DrawingEngine, write_case

LATER = SCENE.replace("20220101T", "20220113T")


ALL = (*BURSTS, *(burst_id.replace("iw1", "iw2") for burst_id in BURSTS))


@pytest.fixture
def case(tmp_path):
    write_case(tmp_path)
    # A complete IW2 too.
    for path in [
        *tmp_path.glob("*.SAFE/annotation/calibration/*iw1*"),
        *tmp_path.glob("*.SAFE/measurement/*"),
    ]:
        shutil.copy(path, path.with_name(path.name.replace("iw1", "iw2")))
    return tmp_path


@pytest.fixture
def engine(monkeypatch):
    drawing = DrawingEngine()
    monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: drawing)
    monkeypatch.setattr(rtcflow.scene_run, "choose_engine", lambda choice: drawing)
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", lambda *arguments: GRID)
    for name in ("RTCFLOW_DEBUG", "RTCFLOW_BUCKET", "RTCFLOW_WORK_DIR"):
        monkeypatch.delenv(name, raising=False)
    return drawing


@pytest.fixture
def pauses(monkeypatch):
    """Pauses before retries in seconds, which nobody waits for."""
    found = []
    monkeypatch.setattr(rtcflow.scene_run, "sleep", found.append)
    return found


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["rtcflow", "scene", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        app.main()
    return caught.value.code or 0


def to_folder(case, *words, scene=None):
    scene = scene or case / f"{SCENE}.SAFE"
    return (
        "--scene",
        scene,
        "--orbit",
        case / ORBIT,
        "--dem",
        case / "dem.tif",
        "--out",
        case / "out",
        *words,
    )


def to_s3(case, *words):
    source = ("--orbit_source", case / ORBIT, "--dem_source", case / "dem.tif", "--work_dir", case / "work")
    return ("--scene", case / f"{SCENE}.SAFE", *source, *words)


def manifests(folder):
    found = {}
    for path in folder.rglob(MANIFEST):
        manifest = Manifest.model_validate_json(path.read_bytes())
        found[manifest.burst_id] = manifest
    return found


def fail_for(engine, burst_id, error, times=math.inf):
    compute, left = engine.compute, times

    def failing(job, *rest):
        nonlocal left
        if job.burst_id == burst_id and left > 0:
            left -= 1
            raise error
        return compute(job, *rest)

    engine.compute = failing


def test_all_bursts_are_made_by_default(case, engine, monkeypatch, capsys):
    assert run(monkeypatch, *to_folder(case)) == 0
    assert set(manifests(case / "out")) == set(ALL)
    assert {path.name for path in (case / "out").iterdir()} == {*ALL, COLLECTION, GRIDS, MONITORING}
    assert "4 bursts: 4 made, in " in capsys.readouterr().out


def test_bursts_are_given_as_several_words_or_in_a_file(case, engine, monkeypatch):
    assert run(monkeypatch, *to_folder(case), "--burst_id_list", *BURSTS) == 0
    assert len(engine.calls) == 2
    (case / "list.txt").write_text(f"# one\n{BURSTS[1]}\n")
    again = to_folder(case, "--burst-id-list", case / "list.txt", "--on_existing", "replace")
    assert run(monkeypatch, *again) == 0
    assert len(engine.calls) == 3


def test_underscores_and_hyphens_are_the_same():
    words = ["--scene", "X", "--burst_id_list", "a", "b", "--link_static_layers", "--s3_bucket=my_bucket"]
    again = ["--burst-id-list", "a", "--burst-id-list", "b", "--link-static-layers", "--s3-bucket=my_bucket"]
    assert spelled(words) == ["--scene", "X", *again]


def test_one_failing_burst_does_not_stop_the_others(case, engine, monkeypatch, capsys):
    fail_for(engine, BURSTS[0], RefusedError("its measurement is cut off", "corrupt-tiff"))
    assert run(monkeypatch, *to_folder(case)) == 65
    assert set(manifests(case / "out")) == set(ALL) - {BURSTS[0]}
    told = capsys.readouterr()
    assert f"{BURSTS[0]}: refused: its measurement is cut off" in told.err
    assert "4 bursts: 3 made, 1 failed, in " in told.out


def test_a_transient_failure_sets_the_exit_code_before_a_refusal(case, engine, pauses, monkeypatch):
    fail_for(engine, BURSTS[0], RefusedError("bad", "bad"))
    fail_for(engine, BURSTS[1], TransientError("later", "network"))
    assert run(monkeypatch, *to_folder(case)) == 75


def test_transient_failures_are_retried_and_refusals_are_not(case, engine, pauses, monkeypatch, capsys):
    fail_for(engine, BURSTS[0], RefusedError("bad", "bad"))
    fail_for(engine, BURSTS[1], TransientError("the archive is down", "network"), times=2)
    assert run(monkeypatch, *to_folder(case)) == 65
    assert set(manifests(case / "out")) == set(ALL) - {BURSTS[0]}
    assert [15 <= pauses[0] <= 30, 30 <= pauses[1] <= 60] == [True, True]
    told = capsys.readouterr()
    assert "1 burst is tried again in " in told.out
    assert "the archive is down" in told.out
    assert "4 bursts: 3 made, 1 failed" in told.out
    assert told.err.count(f"{BURSTS[0]}: refused") == 1


def test_a_lasting_failure_is_tried_four_times(case, engine, pauses, monkeypatch):
    fail_for(engine, BURSTS[1], TransientError("later", "network"))
    assert run(monkeypatch, *to_folder(case, "--burst_id_list", BURSTS[1])) == 75
    assert len(pauses) == 3


@pytest.mark.parametrize(("told", "limit"), [("", 1800), ("12.5", 12.5)])
def test_a_burst_has_a_time_limit(case, engine, monkeypatch, told, limit):
    limits = set()

    @contextmanager
    def noted(self, seconds, tell):
        limits.add(math.ceil(seconds * 2) / 2)
        yield

    monkeypatch.setattr(rtcflow.task_loop.Watchdog, "limit", noted)
    monkeypatch.setenv("RTCFLOW_TIME_LIMIT_S", told)
    assert run(monkeypatch, *to_folder(case, "--burst_id_list", BURSTS[1])) == 0
    assert max(limits) == limit


def test_a_refused_scene_does_not_stop_the_others(case, engine, monkeypatch, capsys):
    assert run(monkeypatch, *to_folder(case), "--scene", case / f"{LATER}.SAFE") == 65
    assert set(manifests(case / "out")) == set(ALL)
    assert LATER in capsys.readouterr().err


def test_a_dry_run_prints_the_plan_and_leaves_nothing(case, engine, monkeypatch, capsys):
    assert run(monkeypatch, *to_folder(case, "--dry-run")) == 0
    told = capsys.readouterr().out
    assert all(burst_id in told for burst_id in ALL)
    assert "4 products to make: some 0.0 GB to fetch" in told
    assert not (case / "out").exists()


def test_the_report_is_printed_as_json(case, engine, monkeypatch, capsys):
    fail_for(engine, BURSTS[0], RefusedError("bad", "bad"))
    assert run(monkeypatch, *to_folder(case, "--json")) == 65
    [report] = json.loads(capsys.readouterr().out)
    outcomes = {burst["burst_id"]: burst["outcome"] for burst in report["bursts"]}
    assert outcomes == dict.fromkeys(ALL, "made") | {BURSTS[0]: "failed"}
    assert report["cost_usd"] is None


def test_the_report_can_be_a_page(case, engine, monkeypatch):
    assert run(monkeypatch, *to_folder(case, "--report", case / "report.html")) == 0
    page = (case / "report.html").read_text()
    assert all(burst_id in page for burst_id in ALL)
    assert "data:image/webp" in page


def test_several_bursts_compute_at_once(case, engine, monkeypatch):
    assert run(monkeypatch, *to_folder(case, "--parallel", 2)) == 0
    assert set(manifests(case / "out")) == set(ALL)


def test_static_layers_are_linked_as_on_aws(case, engine, monkeypatch):
    link = ("--static", case / "static", "--on_missing_static", "create", "--burst_id_list", BURSTS[1])
    assert run(monkeypatch, *to_folder(case, *link)) == 0
    [static] = manifests(case / "static").values()
    [made] = manifests(case / "out").values()
    assert static.product == "RTC_S1_STATIC"
    assert made.grid == static.grid
    [item] = (case / "out").rglob(ITEM)
    looks = json.loads(item.read_text())["assets"]["number_of_looks"]["href"]
    assert f"static/{BURSTS[1]}/" in looks


def test_static_layers_that_are_missing_are_refused_by_default(case, engine, monkeypatch, capsys):
    assert run(monkeypatch, *to_folder(case, "--static", case / "static")) == 65
    assert "static layers to be linked are missing" in capsys.readouterr().err


def test_products_go_to_s3_and_nothing_else_does(aws, case, engine, monkeypatch):
    monkeypatch.setenv("RTCFLOW_BUCKET", "products")
    assert run(monkeypatch, *to_s3(case, "--s3_project_folder", "experimental/nrb")) == 0
    keys = {entry["Key"] for entry in aws.list_objects_v2(Bucket="products")["Contents"]}
    assert {key.split("/")[2] for key in keys} == {"s1_rtc_c1", GRIDS, MONITORING}
    assert f"experimental/nrb/s1_rtc_c1/{BURSTS[1]}/2022/1/1/{ITEM}" in keys
    assert "experimental/nrb/s1_rtc_c1/collection.json" in keys
    assert "Contents" not in aws.list_objects_v2(Bucket="work")
    assert [path.name for path in (case / "work").iterdir() if path.is_dir()] == []


def test_without_an_output_one_sentence_names_both_options(case, engine, monkeypatch, capsys):
    assert run(monkeypatch, *to_s3(case)) == 65
    told = capsys.readouterr().err
    assert "--out FOLDER" in told
    assert "--s3-bucket BUCKET" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("command", ["scene", "burst"])
def test_the_address_of_a_bucket_is_not_a_folder(case, engine, monkeypatch, capsys, command):
    monkeypatch.chdir(case)
    words = ["--safe", f"{SCENE}.SAFE", "--out", "s3://bucket/x"]
    words += ["--burst-id", BURSTS[0]] if command == "burst" else []
    monkeypatch.setattr(sys, "argv", ["rtcflow", command, *words])
    with pytest.raises(SystemExit) as caught:
        app.main()
    assert caught.value.code == 65
    assert "--out s3://bucket/x is not a folder of this machine" in capsys.readouterr().err
    assert not (case / "s3:").exists()


def test_a_run_removes_what_a_killed_run_left(case, engine, monkeypatch):
    left = case / "out" / ".rtcflow" / "rtcflow-own-killed"
    left.mkdir(parents=True)
    (left / "half.tif").write_bytes(b"x" * 1000)
    assert run(monkeypatch, *to_folder(case)) == 0
    assert not (case / "out" / ".rtcflow").exists()


def test_help_names_every_field_of_the_payload():
    done = subprocess.run(
        [sys.executable, "-m", "rtcflow.cli.app", "scene", "--help"],
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("linked-static-layers-collection", "on-missing-static", "parallel", "dry-run", "report"):
        assert f"--{name}" in done.stdout
