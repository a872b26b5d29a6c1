import asyncio

import pytest

from rtcflow_local.twin.disturbances import disturbed_function, disturbed_s3
from rtcflow_local.twin.faults import LAMBDA_KINDS, S3_KINDS, Fault, FaultFile


@pytest.fixture
def faults(tmp_path):
    return FaultFile(tmp_path / "faults.json")


@pytest.fixture
def s3(faults):
    async def handle(method, path, **named):
        return 200, {}, b"data"

    return disturbed_s3(handle, lambda code, text, status: (status, {}, code.encode()), faults)


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

    call = disturbed_function(execute, faults)
    faults.put(Fault("t070_149815_iw3/job.json", "lambda_timeout"))
    event = {"job": "s3://w/executions/e/RTC_S1/t070_149815_iw3/job.json"}
    first, second = call({}, event, "id"), call({}, event, "id")
    assert (first["error"], first["body"]["errorType"]) == (True, "Sandbox.Timedout")
    assert second["body"] == {"item": "s3://x"}
    assert worked == [event, event]


def test_faults_of_one_kind_are_not_taken_by_another(faults):
    faults.put(Fault("b", "kill"), Fault("b", "s3_slow"), Fault("b", "lambda_timeout"))
    assert faults.take("b", S3_KINDS).kind == "s3_slow"
    assert faults.take("b", LAMBDA_KINDS).kind == "lambda_timeout"
    assert faults.take("b").kind == "kill"
    assert faults.take("b") is None
