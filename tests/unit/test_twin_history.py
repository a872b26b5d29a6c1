import json

import pytest

from rtcflow_local.report.history import read_history
from rtcflow_local.twin.bridges.inner_states import recorded, within_execution
from rtcflow_local.twin.bridges.lambda_errors import error_name, with_error_name

GIVEN = {"burst_id": "t070_149815_iw1", "job": "s3://work/executions/e/RTC_S1/t070_149815_iw1/job.json"}


def add_event(execution, kind, details):
    execution["events"].append({"type": kind, "timestamp": len(execution["events"]), **details})


def run_burst(state, given, execution, context):
    return {"burst_id": given["burst_id"], "outcome": "made"}, None


def iterate(execution, execute=run_burst):
    """A Map iteration of one Task, as the emulator runs it."""
    task = recorded(execute, "Task", add_event)

    def sub_machine(states, start, given, execution, context):
        return task({}, given, execution, {"State": {"Name": "RunBurst"}})[0]

    return within_execution(sub_machine)({}, "RunBurst", GIVEN, execution, {})


def test_states_of_a_map_are_in_the_history_with_their_data():
    execution = {"events": []}
    iterate(execution)
    entered, left = execution["events"]
    assert (entered["type"], left["type"]) == ("TaskStateEntered", "TaskStateExited")
    assert json.loads(entered["stateEnteredEventDetails"]["input"]) == GIVEN
    assert json.loads(left["stateExitedEventDetails"]["output"])["outcome"] == "made"


def test_the_report_reads_bursts_from_that_history():
    execution = {"events": []}
    iterate(execution)
    (run,) = read_history(execution["events"]).bursts.values()
    assert run.outcome == "made"


def test_states_outside_a_map_are_left_to_the_emulator():
    execution = {"events": []}
    recorded(run_burst, "Task", add_event)({}, GIVEN, execution, {"State": {"Name": "PlanScene"}})
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
    return with_error_name(lambda: {"body": body, "error": True, "log": log})()["body"]


def test_a_failed_function_is_named_for_its_exception():
    log = "a line of its log\nTraceback (most recent call last):\n  File x\nrtcflow_contract.errors.RefusedError: no"
    assert failed_with(log)["errorType"] == "RefusedError"


def test_a_function_that_left_no_traceback_keeps_the_emulators_name():
    assert failed_with("")["errorType"] == "Runtime.HandlerError"


def test_a_result_is_left_as_it_is():
    assert with_error_name(lambda: {"body": {"a": 1}, "log": ""})() == {"body": {"a": 1}, "log": ""}


def test_a_message_of_many_lines_is_no_name():
    assert error_name("Traceback\n  File x\n") is None
