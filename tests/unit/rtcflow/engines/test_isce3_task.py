"""The isce3 engine in a task of several bursts: one at a time, with the threads, time and memory of the task."""

import json
import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import rtcflow.burst_run
from rtcflow import container_task
from rtcflow.engines.isce3.isce3_engine import SCRIPT, Isce3Engine
from rtcflow_contract.keys import OUTCOME, Location
from rtcflow_contract.report import BurstOutcome
from rtcflow_contract.task import Task
from tests.support.burst_case import BURSTS, make_job, write_case

STAND_IN = Path(__file__).resolve().parents[3] / "support" / "isce3_stand_in.py"


def first_job(folder, **changes):
    """A job of the other burst of the case."""
    second = make_job(folder)
    moved = {
        "burst_id": BURSTS[0],
        "product_id": second.product_id.replace("148096", "148095"),
        "sensing_start": second.sensing_start - timedelta(seconds=2.75),
        "destination": Location("products", f"experimental/s1_rtc_c1/{BURSTS[0]}/2022/1/1"),
        "work": Location("work", f"executions/execution-1/RTC_S1/{BURSTS[0]}"),
    }
    return second.model_copy(update=moved)


@pytest.fixture
def run(aws, tmp_path, monkeypatch):
    """Runs a task of two bursts, with a mode of the workflow for each; returns the exit code and the outcomes."""
    write_case(tmp_path)
    script = tmp_path / "bin" / SCRIPT
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, os, runpy, sys\n"
        "burst = json.load(open(sys.argv[1]))['runconfig']['groups']['input_file_group']['burst_id'][0]\n"
        "os.environ['STAND_IN'] = json.loads(os.environ['HOW']).get(burst, 'ok')\n"
        f"print(burst, os.environ.get('OMP_NUM_THREADS'), file=open({str(tmp_path / 'ran')!r}, 'a'))\n"
        f"runpy.run_path({str(STAND_IN)!r}, run_name='__main__')\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: Isce3Engine(("json",)))

    def run_task(**how):
        monkeypatch.setenv("HOW", json.dumps(how))
        jobs = (first_job(tmp_path), make_job(tmp_path))
        code = container_task.run(Task(execution="execution-1", number=0, jobs=jobs), work_parent=tmp_path)
        read = {}
        for job in jobs:
            at = job.work.join(OUTCOME)
            body = aws.get_object(Bucket=at.bucket, Key=at.key)["Body"].read()
            read[job.burst_id] = BurstOutcome.model_validate_json(body)
        return code, read

    return run_task


def told(outcomes):
    return {burst_id: (o.outcome.value, o.reason) for burst_id, o in outcomes.items()}


def test_bursts_of_a_task_are_made_one_after_the_other(run):
    code, outcomes = run()
    assert code == 0
    assert told(outcomes) == dict.fromkeys(BURSTS, ("made", None))


@pytest.mark.parametrize(
    ("how", "reason"),
    [("killed", "out-of-memory"), ("crash", "isce3-failed"), ("disk-full", "disk-full")],
)
def test_a_failing_burst_does_not_stop_the_others(run, how, reason):
    code, outcomes = run(**{BURSTS[0]: how})
    assert code == 70
    assert told(outcomes) == {BURSTS[0]: ("failed", reason), BURSTS[1]: ("made", None)}


def test_a_burst_over_its_time_is_stopped_and_the_next_is_made(run, monkeypatch):
    monkeypatch.setenv("RTCFLOW_ISCE3_TIME_LIMIT_S", "3")
    code, outcomes = run(**{BURSTS[0]: "hang"})
    assert code == 70
    assert told(outcomes) == {BURSTS[0]: ("failed", "time-limit"), BURSTS[1]: ("made", None)}


def test_the_workflow_uses_the_threads_of_the_task(run, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("RTCFLOW_CPU_UNITS", "2048")
    run()
    assert sorted((tmp_path / "ran").read_text().splitlines()) == [f"{burst_id} 2" for burst_id in BURSTS]


@pytest.mark.engine
@pytest.mark.skipif(not Isce3Engine().available(), reason=f"no {SCRIPT} with its modules on PATH")
def test_a_real_isce3_makes_a_task_of_two_bursts(aws, tmp_path):
    from rtcflow_local.sample import SampleSpec, write_sample

    sample = write_sample(tmp_path / "sample", SampleSpec.tiny())
    bursts = [burst_id for ids in sample.bursts.values() for burst_id in ids][:2]
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "rtcflow.cli.app",
        "burst",
        "--safe",
        str(sample.safe),
        "--out",
        str(out),
    ]
    command += ["--orbit", str(sample.orbit), "--dem", str(sample.dem), "--geoid", str(sample.geoid)]
    command += [word for burst_id in bursts for word in ("--burst-id", burst_id)]
    subprocess.run([*command, "--engine", "isce3"], check=True)
    assert {path.parents[3].name for path in out.rglob("manifest.json")} == set(bursts)
