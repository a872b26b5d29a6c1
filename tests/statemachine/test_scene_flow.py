import pytest

from rtcflow_scene.task_decision import _MOST_TRIES
from tests.support.asl_runner import ExecutionFailed, TaskError
from tests.support.scene_play import BURSTS, STACK, Play, lambda_error, runner, stopped, task_of, task_uri

PAYLOAD = {"scene": "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"}


def always(error):
    def fault(key, attempt, arguments):
        raise error

    return fault


def of(key_part, error, times=99):
    def fault(key, attempt, arguments):
        if key_part in key and attempt <= times:
            raise error

    return fault


def ran(play):
    run = runner(play)
    try:
        run.run(PAYLOAD)
    except ExecutionFailed:
        assert play.results()
    return run


def providers(play):
    return [run["CapacityProviderStrategy"][0]["CapacityProvider"] for run in play.of("RunTask")]


def attempts(play):
    return [
        {v["Name"]: v["Value"] for v in run["Overrides"]["ContainerOverrides"][0]["Environment"]}[
            "RTCFLOW_ATTEMPT"
        ]
        for run in play.of("RunTask")
    ]


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


def test_a_quota_that_refuses_calls_again_and_again_loses_no_burst():
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
    play = Play(faults={"PlanScene": of("", lambda_error("TransientError", "S3 is slow"), times=2)})
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
    fault = of("", TaskError(error, None), times=2)
    play = Play(BURSTS[:1], faults={"AssembleStac": fault, "SummarizeScene": fault})
    runner(play).run(PAYLOAD)
    assert len(play.of("AssembleStac")) == len(play.of("SummarizeScene")) == 3


def test_error_without_a_cause_reaches_the_summary():
    play = Play(faults={"PlanScene": always(TaskError("Lambda.Strange", None))})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert play.summary_input["failure"] == {"Error": "Lambda.Strange"}


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
        faults={"RunTask": of("", stopped(exit_code=exit_code), times=2)},
    )
    runner(play).run(PAYLOAD)
    assert providers(play) == ["FARGATE_SPOT"] * 3
    assert attempts(play) == ["1", "2", "3"]
    assert play.results()[task_uri(0)]["usage"]["attempts"] == 3


def test_a_task_that_makes_no_burst_more_ends_after_four_tries():
    play = Play(BURSTS[:2], per_task=2, left=lambda *_: 1, faults={"RunTask": always(stopped(exit_code=75))})
    ran(play)
    assert len(play.of("RunTask")) == _MOST_TRIES == 4
    assert play.results()[task_uri(0)]["error_class"] == "transient"


def test_a_task_that_makes_one_burst_more_each_time_goes_on():
    play = Play(
        BURSTS[:9],
        per_task=9,
        left=lambda task, container: 9 - container,
        faults={"RunTask": of("", stopped(), 8)},
    )
    runner(play).run(PAYLOAD)
    assert len(play.of("RunTask")) == 9


@pytest.mark.parametrize("stop_code", ["SpotInterruption", "TerminationNotice", "InfrastructureHealth"])
def test_lost_spot_capacity_goes_to_on_demand(stop_code):
    play = Play(
        BURSTS[:1],
        left=lambda task, container: 2 - container,
        faults={"RunTask": of("", stopped(stop_code, 143), 1)},
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
    play = Play(BURSTS[:1], faults={"RunTask": of("", error, times=6)})
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
    play = Play(BURSTS[:1], faults={"RunTask": of("", error, times=5)})
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
def test_what_a_person_has_to_mend_fails_at_once(error, reason):
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
        faults={"RunTask": of("", error, 1)},
    )
    runner(play).run(PAYLOAD)
    assert len(play.of("RunTask")) == 2


@pytest.mark.parametrize("cause", ["", None])
def test_a_task_over_its_wall_clock_is_run_again(cause):
    play = Play(
        BURSTS[:2], per_task=2, left=lambda task, container: 2 - container,
        faults={"RunTask": of("", TaskError("States.Timeout", cause), 1)},
    )  # fmt: skip
    runner(play).run(PAYLOAD)
    assert attempts(play) == ["1", "2"]


def test_an_image_that_is_older_than_the_stack_is_named_at_once():
    play = Play(BURSTS[:9], per_task=9, left=lambda *_: 9, faults={"RunTask": always(stopped(exit_code=65))})
    ran(play)
    assert len(play.of("RunTask")) == 1
    assert "its image is older than this stack" in play.results()[task_uri(0)]["message"]


def test_a_failure_of_the_assembly_is_the_tasks_result_and_the_others_go_on():
    error = lambda_error("KeyError", "'burst_id'")
    play = Play(BURSTS[:3], faults={"AssembleStac": of(task_uri(0), error)})
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
def test_names_of_the_language_are_no_error_of_a_fail_state(error):
    play = Play(faults={"SummarizeScene": always(TaskError(error, None))})
    with pytest.raises(ExecutionFailed) as failed:
        runner(play).run(PAYLOAD)
    assert failed.value.error == error.removeprefix("States.")
