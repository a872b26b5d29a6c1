import io

import pytest
from botocore.exceptions import ClientError
from history_case import ARN, SCENE, START, History, States, job, scene_history
from rich.console import Console

from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.layers import Product
from rtcflow_contract.report import Outcome
from rtcflow_local.report.execution import read_execution
from rtcflow_local.report.follow import draw, follow
from rtcflow_local.report.history import read_history

ONE, TWO = "t070_149815_iw1", "t070_149815_iw2"


def ended(made: list[str], failed: list[str] = (), **told: str) -> States:
    return States(("FAILED" if failed or told else "SUCCEEDED", scene_history(made, failed)), **told)


def followed(client: States, *, terminal: bool = False) -> tuple[int, str]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=140)
    execution = follow(client, ARN, console, wait=lambda seconds: None)
    return execution.exit_code, text.getvalue()


def test_states_have_their_times_and_calls():
    passage = read_history(scene_history([ONE]).events)
    plan = passage.states[0]
    assert (plan.name, plan.attempts, plan.seconds(START), plan.failed) == ("PlanScene", 2, 3.0, False)


def test_states_of_a_map_belong_to_their_burst():
    passage = read_history(scene_history([ONE], [TWO]).events)
    assert [state.name for state in passage.states] == [
        "PlanScene", "AreStaticLayersLinked", "ProcessBursts", "SummarizeScene", "DidSceneSucceed", "FailScene",
    ]  # fmt: skip
    assert [run.burst_id for run in passage.within("ProcessBursts")] == [ONE, TWO]
    assert [s.name for s in passage.bursts[Product.RTC_S1, ONE].states] == ["RunBurst", "AssembleBurstStac"]


def test_a_failed_burst_tells_class_and_message():
    run = read_history(scene_history([ONE], [TWO]).events).bursts[Product.RTC_S1, TWO]
    assert (run.outcome, run.error_class, run.message) == (Outcome.FAILED, "refused", "exit code 65: corrupt")


def test_a_burst_under_way_has_no_outcome():
    run = read_history(scene_history([ONE], end=False).events).bursts[Product.RTC_S1, ONE]
    assert run.outcome is None
    assert run.states[-1].exited is None


def test_the_same_burst_of_two_products_is_two_runs():
    history = History()
    for product in ("RTC_S1_STATIC", "RTC_S1"):
        history.enter("Task", "RunBurst", job(ONE, product))
    assert set(read_history(history.events).bursts) == {(Product.RTC_S1_STATIC, ONE), (Product.RTC_S1, ONE)}


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


def test_following_ends_with_the_execution_and_tells_each_change_once():
    client = States(("RUNNING", scene_history([ONE], end=False)), ("SUCCEEDED", scene_history([ONE])))
    code, text = followed(client)
    assert code == 0
    assert text.count(f"{ONE} RunBurst") == 1
    assert f"{ONE} made after 1 min 01 s" in text
    assert text.splitlines()[-1] == f"{SCENE} succeeded"


def test_a_failed_execution_ends_with_one_sentence_without_the_reports_place():
    cause = f"1 made, 1 failed. {TWO} refused: corrupt (report s3://work/executions/first/report.json)"
    code, text = followed(ended([ONE], [TWO], error="BurstsFailed", cause=cause))
    assert code == 65
    assert text.splitlines()[-1] == f"{SCENE} failed: 1 made, 1 failed. {TWO} refused: corrupt"


def test_the_live_view_shows_states_and_bursts():
    execution = read_execution(States(("RUNNING", scene_history([ONE, TWO], end=False))), ARN)
    text = io.StringIO()
    Console(file=text, width=140).print(draw(execution, START))
    assert "ProcessBursts" in text.getvalue()
    assert "0 of 2 bursts" in text.getvalue()
    assert text.getvalue().count("RunBurst") == 2


def test_the_live_view_ends_on_a_terminal():
    code, text = followed(ended([ONE]), terminal=True)
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
