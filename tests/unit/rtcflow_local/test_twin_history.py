import json

import pytest

from rtcflow_local.report.history import read_history
from rtcflow_local.twin.bridges.lambda_errors import _error_name, _with_error_name
from rtcflow_local.twin.bridges.step_functions import _recorded, _within_map

GIVEN = {"task": "s3://work/executions/e/tasks/0.json", "bursts": ["t070_149815_iw1"]}


def add_event(execution, kind, details):
    execution["events"].append({"type": kind, "timestamp": len(execution["events"]), **details})


def run_task(state, given, execution, context):
    return {"task": given["task"], "next": "done"}, None


def iterate(execution, execute=run_task):
    """A Map iteration of one Task, as the emulator runs it."""
    task = _recorded(execute, "Task", add_event)

    def sub_machine(states, start, given, execution, context):
        return task({}, given, execution, {"State": {"Name": "AssembleStac"}})[0]

    return _within_map(sub_machine)({}, "AssembleStac", GIVEN, execution, {})


def test_states_of_a_map_are_in_the_history_with_their_data():
    execution = {"events": []}
    iterate(execution)
    entered, left = execution["events"]
    assert (entered["type"], left["type"]) == ("TaskStateEntered", "TaskStateExited")
    assert json.loads(entered["stateEnteredEventDetails"]["input"]) == GIVEN
    assert json.loads(left["stateExitedEventDetails"]["output"])["next"] == "done"


def test_the_report_reads_tasks_from_that_history():
    execution = {"events": []}
    iterate(execution)
    (run,) = read_history(execution["events"]).tasks.values()
    assert (run.burst_ids, run.ended) == (("t070_149815_iw1",), True)


def test_states_outside_a_map_are_recorded_by_the_emulator():
    execution = {"events": []}
    _recorded(run_task, "Task", add_event)({}, GIVEN, execution, {"State": {"Name": "PlanScene"}})
    assert execution["events"] == []


def test_a_state_that_fails_has_no_exit():
    def fail(*arguments):
        raise RuntimeError

    execution = {"events": []}
    with pytest.raises(RuntimeError):
        iterate(execution, fail)
    assert [event["type"] for event in execution["events"]] == ["TaskStateEntered"]


def failed_with(log: str) -> dict:
    body = {"errorMessage": "no", "errorType": "Runtime.HandlerError"}
    return _with_error_name(lambda: {"body": body, "error": True, "log": log})()["body"]


def test_a_failed_function_is_named_for_its_exception():
    log = "a line of its log\nTraceback (most recent call last):\n  File x\nrtcflow_contract.errors.RefusedError: no"
    assert failed_with(log)["errorType"] == "RefusedError"


def test_a_function_that_left_no_traceback_keeps_the_emulators_name():
    assert failed_with("")["errorType"] == "Runtime.HandlerError"


def test_a_result_is_left_as_it_is():
    assert _with_error_name(lambda: {"body": {"a": 1}, "log": ""})() == {"body": {"a": 1}, "log": ""}


def test_a_message_of_many_lines_is_not_a_name():
    assert _error_name("Traceback\n  File x\n") is None
