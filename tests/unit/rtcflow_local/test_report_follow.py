import io
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.report import Outcome
from rtcflow_local.report.burst_progress import BurstRecords
from rtcflow_local.report.execution import read_execution
from rtcflow_local.report.follow import draw, follow
from rtcflow_local.report.history import read_history
from tests.support.history_case import ARN, SCENE, START, History, States, put_records, scene_history, task

ONE, TWO = "t070_149815_iw1", "t070_149815_iw2"


def ended(made: list[str], failed: list[str] = (), **words: str) -> States:
    return States(("FAILED" if failed or words else "SUCCEEDED", scene_history(made, failed)), **words)


def followed(client: States, s3: Any = None, *, terminal: bool = False) -> tuple[int, str]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=140)
    execution = follow(client, ARN, console, s3, wait=lambda seconds: None)
    return execution.exit_code, text.getvalue()


def test_states_have_their_times_and_calls():
    passage = read_history(scene_history([ONE]).events)
    plan = passage.states[0]
    assert (plan.name, plan.attempts, plan.seconds(START), plan.failed) == ("PlanScene", 2, 3.0, False)


def test_states_of_a_map_belong_to_their_task():
    passage = read_history(scene_history([ONE], [TWO]).events)
    assert [state.name for state in passage.states] == [
        "PlanScene", "WhatComesFirst", "ProcessBursts", "SummarizeScene", "DidSceneSucceed", "FailScene",
    ]  # fmt: skip
    (task_run,) = passage.tasks_in_order()
    assert (task_run.number, task_run.burst_ids, task_run.ended) == (0, (ONE, TWO), True)
    assert [state.name for state in task_run.states] == ["RunTask", "AssembleStac"]
    assert [state.failed for state in task_run.states] == [True, False]


def test_a_task_that_runs_again_counts_its_calls_and_tells_why():
    history = History()
    error = {"Error": "AmazonECS.Unknown", "Cause": "RESOURCE:CPU"}
    for _ in range(2):
        history.enter("Task", "RunTask", task(ONE))
        history.leave("Task", "RunTask", task(ONE, ended=error))
        history.task("AssembleStac", 1, task(ONE, next="again", wait_s=60), task(ONE, ended=error))
        history.enter("Wait", "WaitForTask", task(ONE, next="again"))
        history.leave("Wait", "WaitForTask", task(ONE, next="again"))
    (task_run,) = read_history(history.events).tasks_in_order()
    assert (task_run.calls, task_run.ended) == (2, False)
    assert task_run.why == "AmazonECS.Unknown: RESOURCE:CPU"


def records(aws, *, end=True, made=(), failed=(), **others):
    put_records(aws, made, failed, **others)
    passage = read_history(scene_history([*made, *failed, ONE], end=end).events)
    return {run.burst_id: run for run in BurstRecords(aws).read(passage.tasks, end)}


def test_a_failed_burst_tells_class_and_message(aws):
    run = records(aws, made=[ONE], failed=[TWO])[TWO]
    assert (run.outcome, run.record.error_class, run.message) == (Outcome.FAILED, "refused", "corrupt")


def test_a_burst_under_way_has_no_outcome(aws):
    found = records(aws, end=False, in_hand=[ONE], waiting=[TWO])
    assert [(run.outcome, run.state) for run in found.values()] == [(None, "under way"), (None, "waiting")]
    assert found[ONE].started == START + timedelta(seconds=3)


def test_records_that_changed_are_read_again(aws):
    put_records(aws, in_hand=[ONE])
    tasks = read_history(scene_history([ONE], end=False).events).tasks
    reader = BurstRecords(aws)
    assert [run.state for run in reader.read(tasks, False)] == ["under way"]
    put_records(aws, made=[ONE])
    assert [run.state for run in reader.read(tasks, False)] == ["made"]


def test_planned_bursts_are_those_of_the_plan():
    assert read_history(scene_history([ONE, TWO]).events).planned == 2


def test_data_that_was_left_out_of_the_history_is_no_error():
    history = History()
    history.add("TaskStateEntered", stateEnteredEventDetails={"name": "PlanScene"})
    history.add("TaskStateExited", stateExitedEventDetails={"name": "PlanScene", "output": '{"cut'})
    assert read_history(history.events).states[0].exited is not None


@pytest.mark.parametrize(
    ("error", "code"),
    [("RefusedError", 65), ("StaticLayersMissing", 65), ("TransientError", 75), ("KeyError", 70)],
)
def test_exit_code_is_of_the_class_of_the_error(error, code):
    history = scene_history([])
    client = States(("FAILED", history), error=error, cause="the reason")
    assert read_execution(client, ARN).exit_code == code


def test_exit_code_of_failed_bursts_is_that_of_their_class():
    client = ended([ONE], [TWO], error="BurstsFailed", cause="1 failed")
    assert read_execution(client, ARN).exit_code == 65


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_an_execution_that_was_cut_off_may_be_started_again(status):
    execution = read_execution(States((status, scene_history([ONE], end=False))), ARN)
    assert execution.exit_code == 75
    assert "start it again" in execution.sentence


def test_following_ends_with_the_execution_and_tells_each_change_once(aws):
    put_records(aws, made=[ONE])
    client = States(("RUNNING", scene_history([ONE], end=False)), ("SUCCEEDED", scene_history([ONE])))
    code, text = followed(client, aws)
    assert code == 0
    assert text.count("task 0 RunTask") == 1
    assert text.count(f"{ONE} (RTC_S1) begun in task 0") == 1
    assert text.count(f"{ONE} (RTC_S1) made after 20.0 s") == 1
    assert text.splitlines()[-1] == f"{SCENE} succeeded"


def test_a_failed_execution_ends_with_one_sentence_without_the_reports_place():
    cause = f"1 made, 1 failed. {TWO} refused: corrupt (report s3://work/executions/first/report.json)"
    code, text = followed(ended([ONE], [TWO], error="BurstsFailed", cause=cause))
    assert code == 65
    assert text.splitlines()[-1] == f"{SCENE} failed: 1 made, 1 failed. {TWO} refused: corrupt"


def test_the_live_view_shows_states_tasks_and_bursts(aws):
    put_records(aws, made=[ONE], in_hand=[TWO])
    execution = read_execution(States(("RUNNING", scene_history([ONE, TWO], end=False))), ARN)
    bursts = BurstRecords(aws).read(execution.passage.tasks, False)
    text = io.StringIO()
    Console(file=text, width=140).print(draw(execution, START, bursts))
    assert "ProcessBursts" in text.getvalue()
    assert "1 of 2 bursts in 1 task" in text.getvalue()
    assert text.getvalue().count("RunTask") == 1
    assert "under way" in text.getvalue()


def test_the_live_view_does_without_records():
    execution = read_execution(States(("RUNNING", scene_history([ONE, TWO], end=False))), ARN)
    text = io.StringIO()
    Console(file=text, width=140).print(draw(execution, START))
    assert "0 of 2 bursts in 1 task" in text.getvalue()


def test_the_live_view_ends_on_a_terminal(aws):
    put_records(aws, made=[ONE])
    code, text = followed(ended([ONE]), aws, terminal=True)
    assert code == 0
    assert ONE in text


def failing(client: States, code: str, times: int) -> States:
    describe, left = client.describe_execution, [times]

    def fail_first(**asked):
        if left[0] == 0:
            return describe(**asked)
        left[0] -= 1
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "DescribeExecution")

    client.describe_execution = fail_first
    return client


def test_throttling_for_a_while_does_not_end_following():
    assert followed(failing(ended([ONE]), "ThrottlingException", 3))[0] == 0


def test_an_endpoint_that_stays_away_ends_following():
    with pytest.raises(TransientError):
        followed(failing(ended([ONE]), "ThrottlingException", 99))


def test_an_unknown_execution_is_refused_with_a_sentence():
    with pytest.raises(RefusedError, match="does not exist; check its ARN and region"):
        followed(failing(ended([ONE]), "ExecutionDoesNotExist", 1))
