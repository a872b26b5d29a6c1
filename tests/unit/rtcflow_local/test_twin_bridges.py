"""Bridges of the twin for campaigns: distributed Maps, nested executions, nested stacks, waits that end."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from rtcflow_local.twin.bridges import step_functions
from rtcflow_local.twin.bridges.cloudformation import _transforming, _within_nested_stack
from rtcflow_local.twin.bridges.distributed_map import _MapRun, _stopping_children
from rtcflow_local.twin.bridges.step_functions import _NestedExecution

MACHINE = "arn:aws:states:us-west-2:0:stateMachine:campaign"
SCENE = "arn:aws:states:us-west-2:0:stateMachine:scene"


class ExecutionError(Exception):
    def __init__(self, error, cause=""):
        super().__init__(error)
        self.error, self.cause = error, cause


class States:
    """What the bridges use of the emulator's Step Functions; a child returns its input, or fails if that is "fail"."""

    _ExecutionError = ExecutionError

    def __init__(self):
        self._map_runs, self._executions = {}, {}
        self.contexts = []

    def now_iso(self):
        return datetime.now(UTC).isoformat()

    def _run_sub_machine(self, states, start, given, child, context):
        self.contexts.append(context)
        if given == "fail":
            raise ExecutionError("Broken", "why")
        return given

    def _nested_start_execution_request(self, arguments):
        return {
            "stateMachineArn": arguments["StateMachineArn"],
            "name": arguments["Name"],
            "input": json.dumps(arguments["Input"]),
        }

    def _resolve_state_machine_arn(self, arn):
        return arn

    def _start_execution(self, request):
        arn = f"{SCENE.replace('stateMachine', 'execution')}:{request['name']}"
        if arn in self._executions:
            return 400, {}, json.dumps({"__type": "ExecutionAlreadyExists", "message": "taken"})
        self._executions[arn] = {"status": "SUCCEEDED", "input": request["input"], "output": '{"a": 1}'}
        return 200, {}, json.dumps({"executionArn": arn})

    def _describe_execution(self, data):
        return 200, {}, json.dumps(self._executions[data["executionArn"]])

    def _stop_execution(self, data):
        self._executions[data["executionArn"]]["status"] = "ABORTED"


@pytest.fixture
def parent():
    return {"executionArn": "arn:parent", "stateMachineArn": MACHINE, "status": "RUNNING"}


def run_map(states, parent, inputs, most=1, **limits):
    run = _MapRun(states, parent, None, len(inputs), most, limits)
    run.work_through(inputs, {"States": {}, "StartAt": "A"}, {"variables": {"outer": 1}})
    return run


def test_a_map_run_gives_results_in_order_and_counts(parent):
    states = States()
    run = run_map(states, parent, ["a", "b", "c"], most=3)
    run.end()
    assert run.results == ["a", "b", "c"]
    (view,) = states._map_runs.values()
    assert (view["status"], view["executionCounts"]["succeeded"]) == ("SUCCEEDED", 3)


def test_children_do_not_see_variables_of_the_machine(parent):
    states = States()
    run_map(states, parent, ["a"])
    assert states.contexts[0]["variables"] == {}


def test_tolerated_failures_do_not_fail_the_run(parent):
    run = run_map(States(), parent, ["a", "fail", "b", "c"], ToleratedFailurePercentage=25)
    run.end()
    assert [child["status"] for child in run.children] == ["SUCCEEDED", "FAILED", "SUCCEEDED", "SUCCEEDED"]


@pytest.mark.parametrize("limits", [{}, {"ToleratedFailurePercentage": 24}, {"ToleratedFailureCount": 0}])
def test_too_many_failures_end_the_run_before_its_other_children(parent, limits):
    run = run_map(States(), parent, ["a", "fail", "b", "c"], **limits)
    assert len(run.children) == 2
    with pytest.raises(ExecutionError) as failure:
        run.end()
    assert failure.value.error == "States.ExceedToleratedFailureThreshold"


def test_a_stopped_parent_starts_no_further_child(parent):
    parent["status"] = "ABORTED"
    assert run_map(States(), parent, ["a", "b"]).children == []


def test_children_are_stopped_with_their_parent(parent):
    states = States()
    states._map_runs["run"] = {"executionArn": "arn:parent"}
    states._executions = {
        "mine": {"mapRunArn": "run", "status": "RUNNING"},
        "ended": {"mapRunArn": "run", "status": "SUCCEEDED"},
        "other": {"mapRunArn": "else", "status": "RUNNING"},
    }
    _stopping_children(lambda data: (200, {}, b""), states)({"executionArn": "arn:parent"})
    assert {n: e["status"] for n, e in states._executions.items()} == {
        "mine": "ABORTED",
        "ended": "SUCCEEDED",
        "other": "RUNNING",
    }


def start(states, name="one", payload="x"):
    arguments = {"StateMachineArn": SCENE, "Name": name, "Input": payload}
    return _NestedExecution(states)("arn:aws:states:::states:startExecution.sync:2", arguments)


def test_a_nested_execution_gives_its_output_as_json():
    assert start(States())["Output"] == {"a": 1}


def test_a_name_that_was_used_is_refused():
    states = States()
    start(states)
    with pytest.raises(ExecutionError) as refusal:
        start(states)
    assert refusal.value.error == "StepFunctions.ExecutionAlreadyExistsException"


def test_a_failed_nested_execution_fails_its_state_with_the_execution():
    states = States()
    states._start_execution = lambda request: (200, {}, json.dumps({"executionArn": "arn:x"}))
    states._executions["arn:x"] = {"status": "FAILED", "error": "BurstsFailed"}
    with pytest.raises(ExecutionError) as failure:
        start(states)
    assert failure.value.error == "States.TaskFailed"
    assert json.loads(failure.value.cause) == {"Status": "FAILED", "Error": "BurstsFailed"}


def test_a_nested_execution_is_stopped_with_its_parent():
    states = States()
    states._start_execution = lambda request: (200, {}, json.dumps({"executionArn": "arn:x"}))
    states._executions["arn:x"] = {"status": "RUNNING"}
    token = step_functions.current.set({"status": "ABORTED"})
    try:
        with pytest.raises(ExecutionError):
            start(states)
    finally:
        step_functions.current.reset(token)
    assert states._executions["arn:x"]["status"] == "ABORTED"


def test_a_wait_ends_when_its_execution_is_stopped():
    execution = {"status": "RUNNING"}
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        execution["status"] = "ABORTED" if len(slept) == 3 else "RUNNING"

    token = step_functions.current.set(execution)
    try:
        step_functions._sleep_while_running(60, sleep)
    finally:
        step_functions.current.reset(token)
    assert len(slept) == 3


def test_a_wait_outside_an_execution_lasts_as_long_as_it_says():
    slept = []
    step_functions._sleep_while_running(0.5, slept.append)
    assert sum(slept) == pytest.approx(0.5)


def test_only_templates_of_nested_stacks_are_transformed():
    engine = SimpleNamespace(parse=_transforming(lambda text: {"text": text}, lambda template: "transformed"))
    nested = _within_nested_stack(lambda: engine.parse("inner"))
    assert engine.parse("outer") == {"text": "outer"}
    assert nested() == "transformed"
    assert engine.parse("outer") == {"text": "outer"}
