"""A scene goes through its states to a report, however its plan, its checks and its summary end."""

import pytest

from tests.support.asl_runner import ExecutionFailed, TaskError
from tests.support.scene_play import (
    BURSTS,
    PAYLOAD,
    STACK,
    Play,
    always,
    fails,
    lambda_error,
    providers,
    runner,
    task_uri,
)


def test_scene_makes_every_burst_and_succeeds():
    play = Play(BURSTS[:3])
    output = runner(play).run(PAYLOAD)
    assert {"outcome", "report", "message"} <= set(output)
    assert [result["items"] for result in play.summary_input["tasks"]] == [1] * 3
    assert play.summary_input["failure"] is None


def test_several_bursts_are_one_task():
    play = Play(BURSTS[:9], per_task=9)
    runner(play).run(PAYLOAD)
    (run,) = play.of("RunTask")
    override = run["Overrides"]["ContainerOverrides"][0]
    assert override["Environment"] == [
        {"Name": "RTCFLOW_TASK", "Value": task_uri(0)},
        {"Name": "RTCFLOW_ATTEMPT", "Value": "1"},
    ]
    assert play.results()[task_uri(0)]["bursts"] == BURSTS[:9]


def test_task_gets_the_clusters_network():
    play = Play(BURSTS[:1])
    runner(play).run(PAYLOAD)
    (run,) = play.of("RunTask")
    network = run["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["Subnets"] == STACK.subnets.split(",")
    assert run["TaskDefinition"] == STACK.task_definition
    assert "LaunchType" not in run


def test_plan_is_asked_with_the_stacks_settings():
    play = Play(BURSTS[:1])
    runner(play).run(PAYLOAD)
    (plan,) = play.of("PlanScene")
    # Placeholders of the definition stand for themselves here.
    assert set(plan["Payload"]["stack"]) == set(type(STACK).model_fields)


def test_task_carries_the_tags_of_its_scene_and_collection():
    play = Play(BURSTS[:1])
    runner(play).run(PAYLOAD)
    (run,) = play.of("RunTask")
    assert run["PropagateTags"] == "TASK_DEFINITION"
    assert run["Tags"] == [
        {"Key": "rtcflow:scene", "Value": "S" * 67},
        {"Key": "rtcflow:collection", "Value": "c" * 100},
    ]


def test_tags_can_be_left_out():
    play = Play(BURSTS[:1], stack=STACK.model_copy(update={"task_tags": False}))
    runner(play).run(PAYLOAD)
    assert "Tags" not in play.of("RunTask")[0]


def test_a_scene_whose_orbit_is_not_there_waits_and_is_planned_again():
    play = Play(BURSTS[:1], waits=(86400, 21600))
    runner(play).run(PAYLOAD)
    plans = play.of("PlanScene")
    assert [plan["Payload"]["payload"] for plan in plans] == [PAYLOAD] * 3
    assert len({plan["Payload"]["started"] for plan in plans}) == 1
    assert len(play.of("RunTask")) == 1


def test_an_orbit_that_never_comes_ends_in_the_report():
    def refused_at_last(key, attempt, arguments):
        if not play.waits:
            raise lambda_error("RefusedError", "no POEORB after 30 days of waiting")

    play = Play(BURSTS[:1], waits=(86400,), faults={"PlanScene": refused_at_last})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert "30 days" in play.summary_input["failure"]["Cause"]
    assert play.of("RunTask") == []


@pytest.mark.parametrize(("compute", "provider"), [("spot", "FARGATE_SPOT"), ("on_demand", "FARGATE")])
def test_capacity_follows_the_payload(compute, provider):
    play = Play(BURSTS[:1], compute=compute)
    runner(play).run(PAYLOAD)
    assert providers(play) == [provider]


def test_scene_without_a_burst_to_make_succeeds():
    play = Play([])
    runner(play).run(PAYLOAD)
    assert play.summary_input["tasks"] == []


def test_refused_payload_goes_raw_to_the_summary_and_fails():
    play = Play(
        faults={"PlanScene": always(lambda_error("RefusedError", "the scene payload was refused: x"))}
    )
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    failure = play.summary_input["failure"]
    assert failure["Error"] == "RefusedError"
    assert "the scene payload was refused: x" in failure["Cause"]
    assert len(play.of("PlanScene")) == 1


def test_transient_planning_error_is_retried():
    play = Play(faults={"PlanScene": fails("", lambda_error("TransientError", "S3 is slow"), times=2)})
    runner(play).run(PAYLOAD)
    assert len(play.of("PlanScene")) == 3


@pytest.mark.parametrize(
    "error",
    [
        "Sandbox.Timedout",
        "States.Timeout",
        "Lambda.TooManyRequestsException",
        "Lambda.ClientExecutionTimeoutException",
    ],
)
def test_function_that_was_cut_off_is_called_again(error):
    fault = fails("", TaskError(error, None), times=2)
    play = Play(BURSTS[:1], faults={"AssembleStac": fault, "SummarizeScene": fault})
    runner(play).run(PAYLOAD)
    assert len(play.of("AssembleStac")) == len(play.of("SummarizeScene")) == 3


def test_error_without_a_cause_reaches_the_summary():
    play = Play(faults={"PlanScene": always(TaskError("Lambda.Strange", None))})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert play.summary_input["failure"] == {"Error": "Lambda.Strange"}


def test_a_failure_of_the_assembly_is_the_tasks_result_and_the_others_go_on():
    error = lambda_error("KeyError", "'burst_id'")
    play = Play(BURSTS[:3], faults={"AssembleStac": fails(task_uri(0), error)})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    result = play.results()[task_uri(0)]
    assert result["Error"] == "KeyError"
    assert "'burst_id'" in result["Cause"]
    assert "run" not in result
    assert [play.results()[task_uri(number)]["items"] for number in (1, 2)] == [1, 1]


def test_missing_static_layers_fail_with_the_list():
    error = lambda_error("StaticLayersMissing", "missing: t070 mask")
    play = Play(link=True, faults={"CheckStaticLayers": always(error)})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    failure = play.summary_input["failure"]
    assert failure["Error"] == "StaticLayersMissing"
    assert "missing: t070 mask" in failure["Cause"]
    assert not play.of("RunTask")


def test_static_layers_are_checked_only_where_they_are_linked():
    for link in (True, False):
        play = Play(link=link)
        runner(play).run(PAYLOAD)
        assert bool(play.of("CheckStaticLayers")) is link
        assert len(play.of("RunTask")) == 2


def test_failed_summary_still_fails_the_execution_with_a_cause():
    play = Play(faults={"SummarizeScene": always(lambda_error("TransientError", "no S3"))})
    with pytest.raises(ExecutionFailed) as failed:
        runner(play).run(PAYLOAD)
    assert failed.value.error == "TransientError"
    assert "no S3" in failed.value.cause


@pytest.mark.parametrize("error", ["States.Timeout", "States.TaskFailed"])
def test_a_fail_state_never_has_an_error_name_of_the_language(error):
    play = Play(faults={"SummarizeScene": always(TaskError(error, None))})
    with pytest.raises(ExecutionFailed) as failed:
        runner(play).run(PAYLOAD)
    assert failed.value.error == error.removeprefix("States.")
