"""A task that is killed in the middle, and run again, leaves one set of files: real processes, real signals."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from rtcflow_contract.job import make_job
from rtcflow_contract.keys import MANIFEST, OUTCOME
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.request import parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.sample import SampleSpec, write_sample

pytestmark = pytest.mark.engine


@pytest.fixture
def client(s3_of):
    return s3_of("products", "work")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("sample"), SampleSpec.tiny(bursts=1, swaths=("iw2",)))


def job_for(sample, name):
    request = parse_request(
        {
            "scene": sample.scene,
            "scene_source": f"s3://inputs/{sample.scene}.SAFE",
            "s3_project_folder": name,
        },
        "products",
    )
    return make_job(
        request,
        product=Product.RTC_S1,
        burst_id=sample.burst_ids[0],
        sensing_start=parse_scene_id(sample.scene).start,
        execution=name,
        execution_started=datetime.now(UTC),
        work_bucket="work",
        product_version="0.1",
        sources={
            "scene": str(sample.safe),
            "orbits": str(sample.orbit.parent),
            "dem": str(sample.dem),
            "geoid": str(sample.geoid),
        },
    )


def start(job, endpoint, scratch):
    environment = os.environ | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "RTCFLOW_JOB": job.model_dump_json(),
        "RTCFLOW_WORK_DIR": str(scratch),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "rtcflow.container_task"], env=environment, stdout=subprocess.PIPE, text=True
    )


def signal_at(task, stage, number):
    """Send a signal when a stage begins; returns the exit code."""
    for line in task.stdout:
        if json.loads(line).get("stage") == stage:
            task.send_signal(number)
            break
    task.stdout.read()
    return task.wait(60)


def names(client, job):
    listed = client.list_objects_v2(Bucket="products", Prefix=job.destination.key + "/").get("Contents", [])
    return {entry["Key"].rsplit("/", 1)[1] for entry in listed}


def assert_one_set(client, job):
    body = client.get_object(Bucket="products", Key=job.destination.join(MANIFEST).key)["Body"].read()
    assert names(client, job) == {MANIFEST, *(file.name for file in Manifest.model_validate_json(body).files)}


@pytest.mark.parametrize("stage", ["bands", "write layers", "publish"])
def test_a_task_killed_and_run_again_leaves_one_set(client, endpoint, sample, tmp_path, stage):
    job = job_for(sample, f"killed-{stage.replace(' ', '-')}")
    assert signal_at(start(job, endpoint, tmp_path), stage, signal.SIGKILL) == -signal.SIGKILL
    assert MANIFEST not in names(client, job)
    again = start(job, endpoint, tmp_path)
    again.stdout.read()
    assert again.wait(120) == 0
    assert_one_set(client, job)


def test_on_sigterm_it_finishes_the_burst_in_progress_and_cleans_up(client, endpoint, sample, tmp_path):
    job = job_for(sample, "stopped")
    assert signal_at(start(job, endpoint, tmp_path), "bands", signal.SIGTERM) == 0
    body = client.get_object(Bucket="work", Key=job.work.join(OUTCOME).key)["Body"].read()
    assert BurstOutcome.model_validate_json(body).outcome is Outcome.MADE
    assert list(tmp_path.iterdir()) == []
    assert_one_set(client, job)


def test_two_executions_at_once_leave_one_set(client, endpoint, sample, tmp_path):
    jobs = [job_for(sample, "at-once").model_copy(update={"execution": f"at-once-{n}"}) for n in (1, 2)]
    tasks = [start(job, endpoint, tmp_path) for job in jobs]
    for task in tasks:
        task.stdout.read()
    assert [task.wait(120) for task in tasks] == [0, 0]
    assert_one_set(client, jobs[0])
