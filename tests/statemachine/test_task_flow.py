"""A task runs again, waits or ends, depending on how its container ended."""

import pytest

from rtcflow_scene.task_decision import _MOST_TRIES
from tests.support.asl_runner import ExecutionFailed, TaskError
from tests.support.scene_play import (
    BURSTS,
    PAYLOAD,
    Play,
    always,
    attempts,
    fails,
    providers,
    ran,
    runner,
    stopped,
    task_of,
    task_uri,
)


def test_a_quota_that_keeps_refusing_calls_loses_no_burst():
    """27 tasks of one burst on the 6 vCPU of a new account: each is refused once more often than the one before."""
    quota = TaskError(
        "AmazonECS.Unknown", "You've reached the limit on the number of vCPUs you can run concurrently"
    )
    refused = {task_uri(number): number for number in range(27)}

    def fault(key, call, arguments):
        if call <= refused[task_of(arguments)]:
            raise quota

    play = Play(BURSTS[:27], faults={"RunTask": fault})
    output = runner(play).run(PAYLOAD)
    assert output["outcome"] == "succeeded"
    assert {result["reason"] for result in play.results().values()} == {""}
    assert len(play.of("RunTask")) == 27 + sum(refused.values())


@pytest.mark.parametrize("exit_code", [0, 65, 70, 75])
def test_outcomes_decide_where_every_burst_has_one(exit_code):
    play = Play(BURSTS[:9], per_task=9, faults={"RunTask": always(stopped(exit_code=exit_code))})
    ran(play)
    assert len(play.of("RunTask")) == 1
    assert play.results()[task_uri(0)]["items"] == 9


@pytest.mark.parametrize("exit_code", [75, 137, 139, 143, None, 0])
def test_what_a_container_left_is_run_again_on_the_same_capacity(exit_code):
    left = {1: 7, 2: 3}
    play = Play(
        BURSTS[:9],
        per_task=9,
        left=lambda task, container: left.get(container, 0),
        faults={"RunTask": fails("", stopped(exit_code=exit_code), times=2)},
    )
    runner(play).run(PAYLOAD)
    assert providers(play) == ["FARGATE_SPOT"] * 3
    assert attempts(play) == ["1", "2", "3"]
    assert play.results()[task_uri(0)]["usage"]["attempts"] == 3


def test_a_task_that_makes_no_further_burst_ends_after_four_tries():
    play = Play(BURSTS[:2], per_task=2, left=lambda *_: 1, faults={"RunTask": always(stopped(exit_code=75))})
    ran(play)
    assert len(play.of("RunTask")) == _MOST_TRIES == 4
    assert play.results()[task_uri(0)]["error_class"] == "transient"


def test_a_task_that_makes_a_further_burst_each_time_goes_on():
    play = Play(
        BURSTS[:9],
        per_task=9,
        left=lambda task, container: 9 - container,
        faults={"RunTask": fails("", stopped(), 8)},
    )
    runner(play).run(PAYLOAD)
    assert len(play.of("RunTask")) == 9


@pytest.mark.parametrize("stop_code", ["SpotInterruption", "TerminationNotice", "InfrastructureHealth"])
def test_lost_spot_capacity_goes_to_on_demand(stop_code):
    play = Play(
        BURSTS[:1],
        left=lambda task, container: 2 - container,
        faults={"RunTask": fails("", stopped(stop_code, 143), 1)},
    )
    runner(play).run(PAYLOAD)
    assert providers(play) == ["FARGATE_SPOT", "FARGATE"]
    assert attempts(play) == ["1", "2"]


def test_a_task_that_did_not_start_goes_to_on_demand_and_ends_after_four_tries():
    error = stopped("TaskFailedToStart", None, "Timeout waiting for network interface provisioning")
    play = Play(BURSTS[:1], faults={"RunTask": always(error)})
    ran(play)
    assert providers(play) == ["FARGATE_SPOT", "FARGATE", "FARGATE", "FARGATE"]
    assert play.results()[task_uri(0)]["error_class"] == "transient"


NO_CAPACITY = [
    TaskError("AmazonECS.Unknown", '[{"Reason": "RESOURCE:CPU"}]'),
    TaskError("AmazonECS.Unknown", "Capacity is unavailable at this time. Please try again later"),
    TaskError(
        "AmazonECS.Unknown", "You've reached the limit on the number of vCPUs you can run concurrently"
    ),
    TaskError("ECS.AmazonECSException", "Capacity is unavailable at this time."),
    TaskError("ECS.ClientException", "Tasks provisioning capacity limit exceeded."),
    TaskError("AmazonECS.Unknown", None),
    stopped("TaskFailedToStart", None, "Capacity is unavailable at this time."),
]


@pytest.mark.parametrize("error", NO_CAPACITY)
def test_no_capacity_waits_and_goes_to_on_demand(error):
    play = Play(BURSTS[:1], faults={"RunTask": fails("", error, times=6)})
    runner(play).run(PAYLOAD)
    assert providers(play) == ["FARGATE_SPOT"] + ["FARGATE"] * 6
    assert attempts(play) == ["1"] * 7
    assert play.paused == sorted(play.paused)
    assert play.paused[0] == 60
    assert max(play.paused) == 1800


RATE = [
    TaskError("ECS.AmazonECSException", "Rate exceeded"),
    TaskError("ECS.InvalidParameterException", "Rate exceeded"),
    TaskError("ECS.ThrottlingException", "Rate exceeded"),
    TaskError("ECS.ServerException", "Service Unavailable"),
    TaskError("ECS.SdkClientException", "Unable to execute HTTP request"),
    TaskError("ECS.LimitExceededException", None),
]


@pytest.mark.parametrize("error", RATE)
def test_a_throttled_start_waits_on_the_same_capacity(error):
    play = Play(BURSTS[:1], faults={"RunTask": fails("", error, times=5)})
    runner(play).run(PAYLOAD)
    assert providers(play) == ["FARGATE_SPOT"] * 6
    assert attempts(play) == ["1"] * 6


CALLER = [
    (TaskError("ECS.ClientException", "TaskDefinition is inactive"), "run-task"),
    (TaskError("ECS.InvalidParameterException", "No Fargate configuration exists"), "run-task"),
    (TaskError("ECS.AccessDeniedException", "not authorized to perform: ecs:RunTask"), "run-task"),
    (
        stopped(
            "TaskFailedToStart", None, "CannotPullContainerError: pull image manifest: r:native: not found"
        ),
        "image",
    ),
    (
        stopped(
            "TaskFailedToStart",
            None,
            "ResourceInitializationError: retrieved secret did not contain json key CDSE_LOGIN",
        ),
        "secret",
    ),
    (
        stopped(
            "TaskFailedToStart",
            None,
            "ResourceInitializationError: unable to retrieve secret from asm: AccessDeniedException",
        ),
        "secret",
    ),
]


@pytest.mark.parametrize(("error", "reason"), CALLER)
def test_what_a_person_has_to_fix_fails_at_once(error, reason):
    play = Play(BURSTS[:1], faults={"RunTask": always(error)})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert len(play.of("RunTask")) == 1
    assert play.results()[task_uri(0)]["reason"] == reason


def test_capacity_that_never_comes_ends_as_transient_after_a_day():
    play = Play(BURSTS[:1], faults={"RunTask": always(NO_CAPACITY[0])})
    ran(play)
    result = play.results()[task_uri(0)]
    assert result["error_class"] == "transient"
    assert "hours of waiting" in result["message"]
    assert 24 * 3600 <= sum(play.paused) <= 25 * 3600


@pytest.mark.parametrize("cause", ["", None, '{"StopCode": "Essen', "no json", '{"Containers": null}'])
def test_a_cause_that_says_nothing_leaves_the_decision_to_the_outcomes(cause):
    error = TaskError("States.TaskFailed", cause)
    play = Play(
        BURSTS[:2],
        per_task=2,
        left=lambda task, container: 2 - container,
        faults={"RunTask": fails("", error, 1)},
    )
    runner(play).run(PAYLOAD)
    assert len(play.of("RunTask")) == 2


@pytest.mark.parametrize("cause", ["", None])
def test_a_task_over_its_wall_clock_is_run_again(cause):
    play = Play(
        BURSTS[:2], per_task=2, left=lambda task, container: 2 - container,
        faults={"RunTask": fails("", TaskError("States.Timeout", cause), 1)},
    )  # fmt: skip
    runner(play).run(PAYLOAD)
    assert attempts(play) == ["1", "2"]


def test_an_image_that_is_older_than_the_stack_is_named_at_once():
    play = Play(BURSTS[:9], per_task=9, left=lambda *_: 9, faults={"RunTask": always(stopped(exit_code=65))})
    ran(play)
    assert len(play.of("RunTask")) == 1
    assert "its image is older than this stack" in play.results()[task_uri(0)]["message"]
