"""The container's entrypoint: job from the environment, outcome in S3, exit codes, stops and faults of the machine."""

import errno
import io
import json
import os
import signal
import subprocess
import sys

import pytest
from burst_case import DrawingEngine, make_job, write_case

import rtcflow.burst
from rtcflow import task
from rtcflow.failures import as_contract_error
from rtcflow_contract.errors import ErrorClass, RefusedError, TransientError
from rtcflow_contract.keys import MANIFEST, OUTCOME
from rtcflow_contract.report import BurstOutcome, Outcome


@pytest.fixture
def case(tmp_path):
    write_case(tmp_path)
    return tmp_path


@pytest.fixture
def engine(monkeypatch):
    drawing = DrawingEngine()
    monkeypatch.setattr(rtcflow.burst, "choose_engine", lambda choice: drawing)
    return drawing


@pytest.fixture(autouse=True)
def _signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    yield
    signal.alarm(0)
    for number, handler in before.items():
        signal.signal(number, handler)


def outcome_of(aws, job):
    body = aws.get_object(Bucket=job.work.bucket, Key=job.work.join(OUTCOME).key)["Body"].read()
    return BurstOutcome.model_validate_json(body)


def run_main(monkeypatch, case, job_text):
    monkeypatch.setenv("RTCFLOW_JOB", job_text)
    monkeypatch.setenv("RTCFLOW_WORK_DIR", str(case / "scratch"))
    return task.main()


def test_a_job_in_the_environment_is_made_and_recorded(aws, case, engine, monkeypatch):
    job = make_job(case)
    assert run_main(monkeypatch, case, job.model_dump_json()) == 0
    outcome = outcome_of(aws, job)
    assert (outcome.outcome, outcome.manifest) == (Outcome.MADE, str(job.destination.join(MANIFEST)))
    assert outcome.bytes_written > 0
    assert list((case / "scratch").iterdir()) == []


def test_a_job_may_stand_in_s3(aws, case, engine, monkeypatch):
    job = make_job(case)
    aws.put_object(Bucket="work", Key="a/job.json", Body=job.model_dump_json().encode())
    assert run_main(monkeypatch, case, "s3://work/a/job.json") == 0
    assert outcome_of(aws, job).outcome is Outcome.MADE


def test_a_product_that_exists_is_recorded_as_skipped(aws, case, engine, monkeypatch):
    run_main(monkeypatch, case, make_job(case).model_dump_json())
    second = make_job(case, execution="execution-2")
    assert run_main(monkeypatch, case, second.model_dump_json()) == 0
    assert outcome_of(aws, second).outcome is Outcome.SKIPPED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "RTCFLOW_JOB is not set"),
        ("{}", "scene: Field required"),
        ("nonsense", "Invalid JSON"),
        ("s3://work/none.json", "does not exist"),
    ],
)
def test_what_is_no_job_is_refused(aws, case, monkeypatch, text, words, caplog):
    assert run_main(monkeypatch, case, text) == 65
    assert words in caplog.text


FAULTS = [
    (RefusedError("bad", "corrupt-tiff"), 65, ErrorClass.REFUSED, "corrupt-tiff"),
    (TransientError("later", "network"), 75, ErrorClass.TRANSIENT, "network"),
    (ValueError("a bug"), 70, ErrorClass.DEFECT, "unexpected"),
    (MemoryError(), 70, ErrorClass.DEFECT, "out-of-memory"),
    (OSError(errno.ENOSPC, "No space left on device"), 70, ErrorClass.DEFECT, "disk-full"),
]


@pytest.mark.parametrize(("fault", "code", "error_class", "reason"), FAULTS)
def test_a_fault_gives_its_exit_code_and_is_recorded(
    aws, case, engine, monkeypatch, fault, code, error_class, reason
):
    def fail():
        raise fault

    engine.before_last = fail
    job = make_job(case)
    assert run_main(monkeypatch, case, job.model_dump_json()) == code
    outcome = outcome_of(aws, job)
    assert (outcome.outcome, outcome.error_class, outcome.reason) == (Outcome.FAILED, error_class, reason)
    assert "\n" not in outcome.message
    assert list((case / "scratch").iterdir()) == []


def test_a_full_disk_says_what_to_raise():
    error = as_contract_error(OSError(errno.ENOSPC, "No space left on device", "/tmp/x.tif"))
    assert "EphemeralStorageGiB" in error.message
    assert "/tmp/x.tif" in error.message


def test_told_to_stop_it_ends_as_transient_and_cleans_up(aws, case, engine, monkeypatch):
    engine.before_last = lambda: os.kill(os.getpid(), signal.SIGTERM)
    job = make_job(case)
    assert run_main(monkeypatch, case, job.model_dump_json()) == 75
    assert outcome_of(aws, job).reason == "stopped"
    assert list((case / "scratch").iterdir()) == []


def test_beyond_its_time_limit_it_ends_as_a_defect(aws, case, engine, monkeypatch):
    monkeypatch.setenv("RTCFLOW_TIME_LIMIT_S", "1")
    engine.before_last = signal.pause
    job = make_job(case)
    assert run_main(monkeypatch, case, job.model_dump_json()) == 70
    assert outcome_of(aws, job).reason == "time-limit"


def test_each_log_line_names_scene_burst_and_execution(aws, case, engine, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(task.logger._logger.handlers[0], "stream", stream)
    job = make_job(case)
    run_main(monkeypatch, case, job.model_dump_json())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["message"] for line in lines} >= {"burst started", "stage started", "burst ended"}
    for line in lines:
        assert (line["scene"], line["burst_id"], line["execution"]) == (
            job.scene,
            job.burst_id,
            job.execution,
        )


def test_the_entrypoint_runs_as_a_module():
    environment = {key: value for key, value in os.environ.items() if key != "RTCFLOW_JOB"}
    done = subprocess.run(
        [sys.executable, "-m", "rtcflow.task"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 65
    assert "RTCFLOW_JOB is not set" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
