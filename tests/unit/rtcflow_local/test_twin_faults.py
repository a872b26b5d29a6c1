import asyncio
import json

import pytest

from rtcflow_local.twin.bridges.run_task import _faulty_cause
from rtcflow_local.twin.faults import (
    _LAMBDA_KINDS,
    _S3_KINDS,
    QUOTA_KINDS,
    RUN_KINDS,
    START_KINDS,
    Fault,
    FaultFile,
    _disturbed_function,
    _disturbed_s3,
)
from rtcflow_scene.task_end import read_end


@pytest.fixture
def faults(tmp_path):
    return FaultFile(tmp_path / "faults.json")


@pytest.fixture
def s3(faults):
    async def handle(method, path, **named):
        return 200, {}, b"data"

    return _disturbed_s3(handle, lambda code, text, status: (status, {}, code.encode()), faults)


def ask(s3, path="/products/a/t070_149815_iw3/x.tif", **named):
    return asyncio.run(s3("GET", path, **named))


def test_s3_refuses_as_often_as_the_fault_says(s3, faults):
    faults.put(Fault("t070_149815_iw3", "s3_unavailable", times=2))
    assert [ask(s3)[0] for _ in range(3)] == [503, 503, 200]


def test_other_keys_and_the_emulators_own_requests_are_left_alone(s3, faults):
    faults.put(Fault("t070_149815_iw3", "s3_unavailable"))
    assert ask(s3, "/products/a/t001_000001_iw1/x.tif")[0] == 200
    assert ask(s3, internal=True)[0] == 200
    assert faults.left()[0].times == 1


def test_slow_s3_answers_late(s3, faults, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    faults.put(Fault("t070_149815_iw3", "s3_slow", after_s=2.0))
    assert ask(s3)[0] == 200
    assert waited == [2.0]


def test_function_that_times_out_has_done_its_work(faults):
    worked = []

    def execute(function, event, request):
        worked.append(event)
        return {"body": {"item": "s3://x"}, "log": "text"}

    call = _disturbed_function(execute, faults)
    faults.put(Fault("e/tasks/0.json", "lambda_timeout"))
    event = {"task": "s3://w/executions/e/tasks/0.json"}
    first, second = call({}, event, "id"), call({}, event, "id")
    assert (first["error"], first["body"]["errorType"]) == (True, "Sandbox.Timedout")
    assert second["body"] == {"item": "s3://x"}
    assert worked == [event, event]


def test_faults_of_one_kind_are_not_used_up_by_another(faults):
    faults.put(Fault("b", "kill"), Fault("b", "s3_slow"), Fault("b", "lambda_timeout"))
    assert faults.take("b", _S3_KINDS).kind == "s3_slow"
    assert faults.take("b", _LAMBDA_KINDS).kind == "lambda_timeout"
    assert faults.take("b", START_KINDS) is None
    assert faults.take("b", RUN_KINDS).kind == "kill"
    assert faults.take("b", RUN_KINDS) is None


def test_a_quota_stays_where_other_faults_are_used_up(faults):
    faults.put(Fault("run-1", "vcpu_quota", vcpu=6))
    assert [faults.standing("executions/run-1/", QUOTA_KINDS).vcpu for _ in range(2)] == [6, 6]
    assert faults.standing("executions/run-2/", QUOTA_KINDS) is None


@pytest.mark.parametrize("how", ["exit_0", "absent", "cut", "text"])
def test_the_end_of_a_task_is_told_badly_in_each_way(how):
    task = {"StopCode": "EssentialContainerExited", "Containers": [{"Name": "burst", "ExitCode": 137}]}
    cause = _faulty_cause(task, how)
    assert (cause is None) is (how == "absent")
    assert cause != json.dumps(task)
    assert read_end({"Error": "States.TaskFailed", "Cause": cause}).ran
