"""The container's entrypoint: task from the environment, outcomes in S3, exit codes, faults of the machine."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from rtcflow import container_task
from rtcflow.machine_errors import as_contract_error
from rtcflow_contract.errors import ErrorClass, RefusedError, TransientError
from rtcflow_contract.keys import MANIFEST, OUTCOME, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.task import Begun, Task
from rtcflow_files.s3 import S3Files
from tests.support.burst_case import BURSTS, make_job

STATIC = Location("products", f"experimental/s1_rtc_static_c1/{BURSTS[1]}")


@pytest.fixture(autouse=True)
def _sigterm():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def outcome_of(aws, job):
    body = aws.get_object(Bucket=job.work.bucket, Key=job.work.join(OUTCOME).key)["Body"].read()
    return BurstOutcome.model_validate_json(body)


def task_of(*jobs, **changes):
    return Task(execution="execution-1", number=0, jobs=jobs, **changes)


def run_main(monkeypatch, case, text, variable="RTCFLOW_TASK", attempt=1):
    monkeypatch.setenv(variable, text)
    monkeypatch.setenv("RTCFLOW_ATTEMPT", str(attempt))
    monkeypatch.setenv("RTCFLOW_WORK_DIR", str(case / "scratch"))
    return container_task.main()


def run_jobs(monkeypatch, case, *jobs, attempt=1):
    return run_main(monkeypatch, case, task_of(*jobs).model_dump_json(), attempt=attempt)


def first_burst(case, **changes):
    """A job of the other burst of the case."""
    return make_job(
        case,
        burst_id=BURSTS[0],
        sensing_start=make_job(case).sensing_start - timedelta(seconds=2.75),
        destination=Location("products", f"experimental/s1_rtc_c1/{BURSTS[0]}/2022/1/1"),
        work=Location("work", f"executions/execution-1/RTC_S1/{BURSTS[0]}"),
        **changes,
    )


def static_and_burst(case):
    """A static job and the job of the burst that links to its product."""
    static = make_job(
        case,
        product=Product.RTC_S1_STATIC,
        collection="s1_rtc_static_c1",
        destination=STATIC,
        collection_folder=Location("products", "experimental/s1_rtc_static_c1"),
    )
    return static, make_job(case, linked_static=STATIC, grid=None)


def test_the_jobs_of_a_task_are_made_and_recorded(aws, case, engine, monkeypatch):
    jobs = first_burst(case), make_job(case)
    assert run_jobs(monkeypatch, case, *jobs) == 0
    for job in jobs:
        outcome = outcome_of(aws, job)
        assert (outcome.outcome, outcome.attempt) == (Outcome.MADE, 1)
        assert outcome.manifest == str(job.destination.join(MANIFEST))
        assert outcome.bytes_written > 0
        assert outcome.started < outcome.finished
        assert outcome.task_cpu_seconds > 0
    assert list((case / "scratch").iterdir()) == []


def test_a_task_may_be_in_s3(aws, case, engine, monkeypatch):
    job = make_job(case)
    aws.put_object(Bucket="work", Key="tasks/0.json", Body=task_of(job).model_dump_json().encode())
    assert run_main(monkeypatch, case, "s3://work/tasks/0.json") == 0
    assert outcome_of(aws, job).outcome is Outcome.MADE


def test_a_job_in_place_of_a_task_is_made_too(aws, case, engine, monkeypatch):
    job = make_job(case)
    assert run_main(monkeypatch, case, job.model_dump_json(), "RTCFLOW_JOB") == 0
    assert outcome_of(aws, job).outcome is Outcome.MADE


def test_a_product_that_exists_is_recorded_as_skipped(aws, case, engine, monkeypatch):
    run_jobs(monkeypatch, case, make_job(case))
    second = make_job(case, execution="execution-2", work=Location("work", "executions/execution-2/x"))
    assert run_jobs(monkeypatch, case, second, attempt=2) == 0
    assert outcome_of(aws, second).outcome is Outcome.SKIPPED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "RTCFLOW_TASK is not set"),
        ("{}", "jobs: Field required"),
        ("nonsense", "Invalid JSON"),
        ("s3://work/none.json", "does not exist"),
    ],
)
def test_an_invalid_task_is_refused(aws, case, monkeypatch, text, words, caplog):
    assert run_main(monkeypatch, case, text) == 65
    assert words in caplog.text


def test_an_image_older_than_the_stack_is_named(aws, case, monkeypatch, caplog):
    newer = task_of(make_job(case), version=2)
    assert run_main(monkeypatch, case, newer.model_dump_json()) == 65
    assert "push the image of the stack's own version" in caplog.text


@pytest.mark.parametrize(
    ("name", "text"),
    [("RTCFLOW_TIME_LIMIT_S", "abc"), ("RTCFLOW_STOP_S", "-1"), ("RTCFLOW_TIME_LIMIT_S", "nan")],
)
def test_a_setting_that_is_not_a_number_of_seconds_is_refused(aws, case, monkeypatch, caplog, name, text):
    monkeypatch.setenv(name, text)
    assert run_jobs(monkeypatch, case, make_job(case)) == 65
    assert f"{name} is '{text}'; give a number of seconds" in caplog.text


FAULTS = [
    (RefusedError("bad", "corrupt-tiff"), 65, ErrorClass.REFUSED, "corrupt-tiff"),
    (TransientError("later", "network"), 75, ErrorClass.TRANSIENT, "network"),
    (ValueError("a bug"), 70, ErrorClass.DEFECT, "unexpected"),
    (MemoryError(), 70, ErrorClass.DEFECT, "out-of-memory"),
    (OSError(errno.ENOSPC, "No space left on device"), 70, ErrorClass.DEFECT, "disk-full"),
]


def fail_once(engine, fault):
    """The next burst that is written fails."""

    def fail():
        engine.before_last = None
        raise fault

    engine.before_last = fail


@pytest.mark.parametrize(("fault", "code", "error_class", "reason"), FAULTS)
def test_a_fault_gives_its_exit_code_and_is_recorded_and_other_bursts_are_made(
    aws, case, engine, monkeypatch, fault, code, error_class, reason
):
    fail_once(engine, fault)
    jobs = first_burst(case), make_job(case)
    assert run_jobs(monkeypatch, case, *jobs) == code
    outcome = outcome_of(aws, jobs[0])
    assert (outcome.outcome, outcome.error_class, outcome.reason) == (Outcome.FAILED, error_class, reason)
    assert "\n" not in outcome.message
    assert outcome_of(aws, jobs[1]).outcome is Outcome.MADE
    assert list((case / "scratch").iterdir()) == []


def test_the_next_attempt_makes_only_transient_bursts(aws, case, engine, monkeypatch):
    jobs = first_burst(case), make_job(case)
    fail_once(engine, TransientError("later", "network"))
    assert run_jobs(monkeypatch, case, *jobs) == 75
    assert len(engine.calls) == 2
    assert run_jobs(monkeypatch, case, *jobs, attempt=2) == 0
    assert len(engine.calls) == 3
    assert [outcome_of(aws, job).attempt for job in jobs] == [2, 1]


def test_a_refused_burst_is_not_retried(aws, case, engine, monkeypatch):
    fail_once(engine, RefusedError("bad", "corrupt-tiff"))
    assert run_jobs(monkeypatch, case, make_job(case)) == 65
    assert run_jobs(monkeypatch, case, make_job(case), attempt=2) == 65
    assert len(engine.calls) == 1


def test_an_outcome_of_an_earlier_attempt_does_not_describe_a_later_one(aws, case, engine, monkeypatch):
    job = make_job(case)
    fail_once(engine, TransientError("later", "network"))
    run_jobs(monkeypatch, case, job)
    # The second attempt began the burst and died.
    begun = Begun(attempt=2, started=datetime.now(UTC), times=1)
    aws.put_object(Bucket="work", Key=job.work.join("begun.json").key, Body=begun.model_dump_json().encode())
    [record] = container_task.read_records([job])
    assert record.taken_down == 1
    assert run_jobs(monkeypatch, case, job, attempt=3) == 0


def test_a_burst_uses_the_grid_of_the_static_product_of_its_task(aws, case, engine, monkeypatch):
    static, burst = static_and_burst(case)
    assert run_jobs(monkeypatch, case, static, burst) == 0
    manifest = Manifest.model_validate_json(
        aws.get_object(Bucket="products", Key=burst.destination.join(MANIFEST).key)["Body"].read()
    )
    assert manifest.grid == static.grid
    assert manifest.parameters["grid_origin"] == "linked static product"
    assert str(STATIC.join(MANIFEST)) in [ref.href for ref in manifest.inputs]


@pytest.mark.parametrize("static", [True, False])
def test_the_next_burst_computes_while_one_is_written_unless_that_is_static(
    aws, case, engine, monkeypatch, static
):
    second, overlapped = threading.Event(), []
    compute = engine.compute

    def computing(*arguments):
        if engine.calls:
            second.set()
        return compute(*arguments)

    def writing():
        engine.before_last = None
        overlapped.append(second.wait(0.5 if static else 30))

    monkeypatch.setattr(engine, "compute", computing)
    engine.before_last = writing
    jobs = static_and_burst(case) if static else (first_burst(case), make_job(case))
    assert run_jobs(monkeypatch, case, *jobs) == 0
    assert overlapped == [not static]
    assert second.is_set()


@pytest.mark.parametrize(("fault", "code", "error_class", "reason"), FAULTS[:3])
def test_a_burst_whose_static_layers_failed_is_not_started(
    aws, case, engine, monkeypatch, fault, code, error_class, reason
):
    fail_once(engine, fault)
    static, burst = static_and_burst(case)
    assert run_jobs(monkeypatch, case, static, burst) == code
    outcome = outcome_of(aws, burst)
    assert (outcome.error_class, outcome.reason) == (error_class, "not-started")
    assert outcome.message == "not started, its static layers could not be made"


def two_passes(case):
    """Static job and burst of one pass, and of another pass over the same burst, in another execution."""
    jobs = []
    for day in (1, 13):
        execution = f"pass-{day}"
        static, burst = (
            job.model_copy(
                update={
                    "execution": execution,
                    "work": Location("work", f"executions/{execution}/{job.product}/{job.burst_id}"),
                }
            )
            for job in static_and_burst(case)
        )
        at = Location("products", f"experimental/s1_rtc_c1/{burst.burst_id}/2022/1/{day}")
        jobs += [static, burst.model_copy(update={"destination": at})]
    return jobs


def test_static_layers_that_fail_with_one_pass_are_made_with_another(aws, case, engine, monkeypatch):
    fail_once(engine, RefusedError("no DEM of that day", "bad"))
    jobs = two_passes(case)
    assert run_jobs(monkeypatch, case, *jobs) == 65
    outcomes = [outcome_of(aws, job) for job in jobs]
    assert [outcome.outcome for outcome in outcomes] == ["failed", "failed", "made", "made"]
    assert outcomes[1].reason == "not-started"


def test_passes_of_one_burst_make_its_static_layers_once(aws, case, engine, monkeypatch):
    jobs = two_passes(case)
    assert run_jobs(monkeypatch, case, *jobs) == 0
    assert [outcome_of(aws, job).outcome for job in jobs] == ["made", "made", "skipped", "made"]
    assert len(engine.calls) == 3


def test_orbit_and_annotation_are_fetched_once_for_all_bursts_of_a_task(aws, case, engine, monkeypatch):
    safe = case / f"{make_job(case).scene}.SAFE"
    for path in safe.rglob("*.*"):
        aws.upload_file(str(path), "scenes", f"{safe.name}/{path.relative_to(safe).as_posix()}")
    aws.upload_file(
        make_job(case).sources.orbits, "scenes", "orbits/" + make_job(case).sources.orbits.rsplit("/", 1)[1]
    )
    sources = make_job(case).sources.model_copy(
        update={"scene": f"s3://scenes/{safe.name}", "orbits": "s3://scenes/orbits"}
    )
    asked = []
    fetch = S3Files.fetch

    def counted(files, name, into):
        asked.append(files.href(name))
        return fetch(files, name, into)

    monkeypatch.setattr(S3Files, "fetch", counted)
    assert (
        run_jobs(monkeypatch, case, first_burst(case, sources=sources), make_job(case, sources=sources)) == 0
    )
    assert len(asked) == len(set(asked)) > 5


def test_a_full_disk_says_what_to_raise():
    error = as_contract_error(OSError(errno.ENOSPC, "No space left on device", "/tmp/x.tif"))
    assert "EphemeralStorageGiB" in error.message
    assert "/tmp/x.tif" in error.message


def test_each_log_line_of_a_burst_names_scene_burst_and_execution(aws, case, engine, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(container_task.logger._logger.handlers[0], "stream", stream)
    job = make_job(case)
    run_jobs(monkeypatch, case, job)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["message"] for line in lines} >= {"burst started", "stage started", "burst ended"}
    for line in [line for line in lines if not line["message"].startswith("task ")]:
        assert (line["scene"], line["burst_id"], line["execution"]) == (
            job.scene,
            job.burst_id,
            job.execution,
        )


def test_the_entrypoint_runs_as_a_module():
    environment = {key: value for key, value in os.environ.items() if key != "RTCFLOW_TASK"}
    done = subprocess.run(
        [sys.executable, "-m", "rtcflow.container_task"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 65
    assert "RTCFLOW_TASK is not set" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
