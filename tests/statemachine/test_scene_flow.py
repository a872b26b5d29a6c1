import pytest
from asl_runner import ExecutionFailed, TaskError
from scene_play import BURSTS, Play, job_uri, lambda_error, runner, stopped

PAYLOAD = {"scene": "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"}


def always(error):
    def fault(key, attempt, arguments):
        raise error

    return fault


def of_burst(burst_id, error, times=99):
    def fault(key, attempt, arguments):
        if burst_id in key and attempt <= times:
            raise error

    return fault


def providers(play, state="RunBurst"):
    return [run["CapacityProviderStrategy"][0]["CapacityProvider"] for run in play.of(state)]


def test_scene_makes_every_burst_and_succeeds():
    play = Play(BURSTS[:3])
    output = runner(play).run(PAYLOAD)
    assert set(output) == {"outcome", "report", "message"}
    assert [result["outcome"] for result in play.summary_input["bursts"]] == ["made"] * 3
    assert play.summary_input["failure"] is None


def test_task_gets_its_job_and_the_clusters_network():
    play = Play(BURSTS[:1])
    runner(play).run(PAYLOAD)
    (run,) = play.of("RunBurst")
    override = run["Overrides"]["ContainerOverrides"][0]
    assert override["Environment"] == [{"Name": "RTCFLOW_JOB", "Value": job_uri(BURSTS[0])}]
    assert run["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["SubnetIds"]
    assert "LaunchType" not in run


def test_task_carries_the_tags_of_its_scene_and_collection():
    play = Play(BURSTS[:1], link=True, static=create(BURSTS[:1]))
    runner(play).run(PAYLOAD)
    for state, collection in (("RunBurst", "c" * 100), ("RunStaticBurst", "static")):
        (run,) = play.of(state)
        assert run["PropagateTags"] == "TASK_DEFINITION"
        assert run["Tags"] == [
            {"Key": "rtcflow:scene", "Value": "S" * 67},
            {"Key": "rtcflow:collection", "Value": collection},
        ]


def test_a_scene_whose_orbit_is_not_there_waits_and_is_planned_again():
    play = Play(BURSTS[:1], waits=(86400, 21600))
    runner(play).run(PAYLOAD)
    plans = play.of("PlanScene")
    assert [plan["Payload"]["payload"] for plan in plans] == [PAYLOAD] * 3
    assert len({plan["Payload"]["started"] for plan in plans}) == 1
    assert len(play.of("RunBurst")) == 1


def test_an_orbit_that_never_comes_ends_in_the_report():
    def refused_at_last(key, attempt, arguments):
        if not play.waits:
            raise lambda_error("RefusedError", "no POEORB after 30 days of waiting")

    play = Play(BURSTS[:1], waits=(86400,), faults={"PlanScene": refused_at_last})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert "30 days" in play.summary_input["failure"]["message"]
    assert play.of("RunBurst") == []


@pytest.mark.parametrize(("compute", "provider"), [("spot", "FARGATE_SPOT"), ("on_demand", "FARGATE")])
def test_capacity_follows_the_payload(compute, provider):
    play = Play(BURSTS[:1], compute=compute)
    runner(play).run(PAYLOAD)
    assert providers(play) == [provider]


def test_scene_without_a_burst_to_make_succeeds():
    play = Play([])
    runner(play).run(PAYLOAD)
    assert play.summary_input["bursts"] == []


def test_refused_payload_is_reported_and_fails_with_its_sentence():
    play = Play(
        faults={"PlanScene": always(lambda_error("RefusedError", "the scene payload was refused: x"))}
    )
    with pytest.raises(ExecutionFailed) as failed:
        runner(play).run(PAYLOAD)
    assert failed.value.error == "RefusedError"
    assert play.summary_input["failure"] == {
        "error": "RefusedError",
        "message": "the scene payload was refused: x",
    }
    assert len(play.of("PlanScene")) == 1


def test_transient_planning_error_is_retried():
    play = Play(faults={"PlanScene": of_burst("", lambda_error("TransientError", "S3 is slow"), times=2)})
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
    fault = of_burst("", TaskError(error, None), times=2)
    play = Play(BURSTS[:1], faults={"AssembleBurstStac": fault, "SummarizeScene": fault})
    runner(play).run(PAYLOAD)
    assert len(play.of("AssembleBurstStac")) == len(play.of("SummarizeScene")) == 3


def test_error_without_a_cause_is_told_by_its_name():
    play = Play(faults={"PlanScene": always(TaskError("Lambda.Strange", None))})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert play.summary_input["failure"] == {"error": "Lambda.Strange", "message": "Lambda.Strange"}


def test_refused_burst_is_not_retried_and_the_others_go_on():
    play = Play(BURSTS[:3], faults={"RunBurst": of_burst(BURSTS[1], stopped(exit_code=65))})
    with pytest.raises(ExecutionFailed) as failed:
        runner(play).run(PAYLOAD)
    assert failed.value.error == "BurstsFailed"
    results = play.results()
    assert [results[name]["outcome"] for name in BURSTS[:3]] == ["made", "failed", "made"]
    assert results[BURSTS[1]]["error_class"] == "refused"
    assert results[BURSTS[1]]["attempts"] == 1
    assert len(results[BURSTS[1]]["message"]) <= 300
    assert len(play.of("RunBurst")) == 3


def test_defect_is_not_retried():
    play = Play(BURSTS[:1], faults={"RunBurst": always(stopped(exit_code=70))})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert play.results()[BURSTS[0]]["error_class"] == "defect"
    assert len(play.of("RunBurst")) == 1


@pytest.mark.parametrize("exit_code", [75, 137, 143, None])
def test_transient_stop_is_retried_on_the_same_capacity(exit_code):
    play = Play(BURSTS[:1], faults={"RunBurst": of_burst(BURSTS[0], stopped(exit_code=exit_code), times=2)})
    runner(play).run(PAYLOAD)
    assert providers(play) == ["FARGATE_SPOT"] * 3
    assert play.results()[BURSTS[0]]["attempts"] == 3


def test_transient_stop_is_retried_four_times_at_most():
    play = Play(BURSTS[:1], faults={"RunBurst": always(stopped(exit_code=75))})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert play.results()[BURSTS[0]]["error_class"] == "transient"
    assert len(play.of("RunBurst")) == 4


@pytest.mark.parametrize("stop_code", ["SpotInterruption", "TerminationNotice", "TaskFailedToStart"])
def test_lost_spot_capacity_goes_to_on_demand(stop_code):
    play = Play(BURSTS[:1], faults={"RunBurst": of_burst(BURSTS[0], stopped(stop_code, 143), times=1)})
    runner(play).run(PAYLOAD)
    assert providers(play) == ["FARGATE_SPOT", "FARGATE"]


def test_spot_that_has_no_room_goes_to_on_demand():
    def no_room(key, attempt, arguments):
        if arguments["CapacityProviderStrategy"][0]["CapacityProvider"] == "FARGATE_SPOT":
            raise TaskError("AmazonECS.Unknown", "Capacity is unavailable at this time")

    play = Play(BURSTS[:1], faults={"RunBurst": no_room})
    runner(play).run(PAYLOAD)
    assert set(providers(play)[:-1]) == {"FARGATE_SPOT"}
    assert providers(play)[-1] == "FARGATE"
    assert play.results()[BURSTS[0]]["outcome"] == "made"


def test_on_demand_that_has_no_room_ends_the_burst_as_transient():
    error = TaskError("AmazonECS.Unknown", "Capacity is unavailable at this time")
    play = Play(BURSTS[:1], compute="on_demand", faults={"RunBurst": always(error)})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert play.results()[BURSTS[0]]["attempts"] == 1
    assert play.results()[BURSTS[0]]["error_class"] == "transient"


@pytest.mark.parametrize("error", ["AmazonECS.Unknown", "ECS.AmazonECSException", "ECS.ThrottlingException"])
def test_throttled_start_is_retried_by_name(error):
    play = Play(
        BURSTS[:1], faults={"RunBurst": of_burst(BURSTS[0], TaskError(error, "Rate exceeded"), times=5)}
    )
    runner(play).run(PAYLOAD)
    assert len(play.of("RunBurst")) == 6
    assert play.results()[BURSTS[0]]["attempts"] == 1


@pytest.mark.parametrize("cause", ["", None])
def test_task_over_its_wall_clock_is_a_defect(cause):
    play = Play(BURSTS[:1], faults={"RunBurst": always(TaskError("States.Timeout", cause))})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert play.results()[BURSTS[0]]["error_class"] == "defect"


def test_failed_stac_item_is_recorded_with_its_class():
    error = lambda_error("RefusedError", "the manifest is of another product")
    play = Play(BURSTS[:2], faults={"AssembleBurstStac": of_burst(BURSTS[0], error)})
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    result = play.results()[BURSTS[0]]
    assert (result["error_class"], result["message"]) == (
        "refused",
        "STAC item: the manifest is of another product",
    )


def test_missing_static_layers_fail_with_the_list():
    static = {"decision": "fail", "message": "missing: t070 mask", "missing": [], "jobs": []}
    play = Play(link=True, static=static)
    with pytest.raises(ExecutionFailed) as failed:
        runner(play).run(PAYLOAD)
    assert failed.value.error == "StaticLayersMissing"
    assert play.summary_input["failure"]["message"] == "missing: t070 mask"
    assert not play.of("RunBurst")


def test_linked_static_layers_that_are_there_go_straight_on():
    play = Play(link=True)
    runner(play).run(PAYLOAD)
    assert not play.of("RunStaticBurst")
    assert len(play.of("RunBurst")) == 2


def create(names):
    jobs = [{"burst_id": name, "job": job_uri(name, "RTC_S1_STATIC")} for name in names]
    return {"decision": "create", "message": "missing", "missing": [], "jobs": jobs}


def test_missing_static_layers_are_made_first_when_asked():
    play = Play(link=True, static=create(BURSTS[:1]))
    runner(play).run(PAYLOAD)
    (run,) = play.of("RunStaticBurst")
    assert run["TaskDefinition"] == "StaticTaskDefinitionArn"
    names = [name for name, _ in play.calls]
    assert names.index("AssembleStaticBurstStac") < names.index("RunBurst")
    assert [result["burst_id"] for result in play.summary_input["static_bursts"]] == BURSTS[:1]


@pytest.mark.parametrize("bursts", [1, 2, 3])
def test_burst_whose_static_layers_failed_is_not_started(bursts):
    play = Play(
        BURSTS[:bursts],
        link=True,
        static=create(BURSTS[:bursts]),
        faults={"RunStaticBurst": of_burst(BURSTS[0], stopped(exit_code=65))},
    )
    with pytest.raises(ExecutionFailed):
        runner(play).run(PAYLOAD)
    assert sorted(play.results()) == BURSTS[1:bursts]


def test_failed_summary_still_fails_the_execution_with_a_cause():
    play = Play(faults={"SummarizeScene": always(lambda_error("TransientError", "no S3"))})
    with pytest.raises(ExecutionFailed) as failed:
        runner(play).run(PAYLOAD)
    assert (failed.value.error, failed.value.cause) == ("TransientError", "no S3")
