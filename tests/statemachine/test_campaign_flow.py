"""The campaign state machine with its tasks played: order, rounds of a scene, and ends."""

import pytest

from tests.support.asl_runner import ExecutionFailed, Runner, TaskError
from tests.support.definition import campaign, definition

SCENES = [{"name": f"scene-{number}", "payload": {"scene": f"S1A_{number}"}} for number in range(4)]
STATIC = [{"name": "static-0", "payload": {"scene": "S1A_0", "product": "RTC_S1_STATIC"}}]
OPENED = {
    "campaign": "continent",
    "bucket": "work",
    "max_scenes": 500,
    "scenes": 4,
    "static": 1,
    "lists": [
        {
            "phase": "static",
            "key": "items/static.jsonl",
            "results": "results/continent-1/static",
            "tolerated": 0,
        },
        {
            "phase": "scenes",
            "key": "items/scenes.jsonl",
            "results": "results/continent-1/scenes",
            "tolerated": 1,
        },
    ],
}


class Play:
    """Answers for the tasks: every scene runs once and is done, but for what `answers` and `faults` say."""

    def __init__(self, static=1, answers=None, faults=None):
        self.opened = {**OPENED, "static": static, "lists": OPENED["lists"][0 if static else 1 :]}
        self.answers = answers or {}
        self.faults = faults or {}
        self.calls = []
        self.written = []

    def __call__(self, state, arguments):
        self.calls.append((state, arguments))
        if state in self.faults:
            self.faults[state](arguments)
        if state == "ResultWriter":
            return self.written.append(arguments)
        if state == "ItemReader":
            return STATIC if "static" in arguments["Key"] else SCENES
        if state == "OpenCampaign":
            return {"Payload": self.opened}
        if state.startswith("Follow"):
            return {"Payload": self.follow(arguments["Payload"])}
        if state == "SummarizeCampaign":
            failure = arguments["Payload"]["failure"]
            sentence = {
                "outcome": "complete",
                "error": "ScenesMissing",
                "message": "all made",
                "report": "s3://w/r",
            }
            if failure:
                sentence |= {"outcome": "failed", "error": "TooManyFailed", "message": failure["Cause"]}
            return {"Payload": sentence}
        return {"Status": "SUCCEEDED"}

    def follow(self, event):
        name = event["item"]["name"]
        if name in self.answers:
            return self.answers[name](event)
        decision = "done" if seen(event) else "run"
        return answer(decision, f"{name}-1")

    def of(self, state):
        return [arguments for name, arguments in self.calls if name == state]


def seen(event):
    return event.get("next", {}).get("seen")


def answer(decision, attempt, **fields):
    return {
        "decision": decision,
        "attempt": attempt,
        "seen": attempt,
        "wait_s": 60,
        "message": "why",
        "error_class": "refused",
        "products": 27,
        "made": 27,
        **fields,
    }


def failing(event):
    return answer("failed" if seen(event) else "run", f"{event['item']['name']}-1")


def run(play):
    runner = Runner(campaign(), play, "continent-1")
    runner.run({"campaign": "continent"})
    return runner


def test_static_layers_are_made_before_the_scenes():
    play = Play()
    runner = run(play)
    assert [start["Name"] for start in play.of("RunScene")] == [
        "static-0-1", *(f"scene-{number}-1" for number in range(4)),
    ]  # fmt: skip
    assert runner.visited.count("ProcessList") == 2
    assert runner.visited[-1] == "SucceedCampaign"


def test_results_of_both_lists_are_separate():
    play = Play()
    run(play)
    assert [read["Key"] for read in play.of("ItemReader")] == ["items/static.jsonl", "items/scenes.jsonl"]
    assert [where["Prefix"] for where in play.written] == [
        "results/continent-1/static",
        "results/continent-1/scenes",
    ]


def test_without_a_static_list_scenes_start_at_once():
    runner = run(Play(static=0))
    assert runner.visited.count("ProcessList") == 1


def test_a_scene_is_started_by_name_with_its_payload():
    play = Play(static=0)
    run(play)
    assert [start["Name"] for start in play.of("RunScene")] == [f"scene-{number}-1" for number in range(4)]
    assert play.of("RunScene")[0] == {
        "StateMachineArn": "SceneStateMachineArn",
        "Name": "scene-0-1",
        "Input": {"scene": "S1A_0"},
    }


def test_a_scene_that_is_done_is_not_started():
    play = Play(static=0, answers={"scene-1": lambda event: answer("done", "scene-1-1")})
    run(play)
    assert "scene-1-1" not in [start["Name"] for start in play.of("RunScene")]


def test_a_child_reports_what_it_made():
    runner = run(Play(static=0))
    assert runner.children[0] == {
        "name": "scene-0",
        "execution": "scene-0-1",
        "decision": "done",
        "products": 27,
        "made": 27,
    }


def test_a_scene_that_waits_is_looked_at_again_and_counts_its_rounds():
    rounds = []

    def waiting(event):
        waits = event.get("next", {}).get("waits", 0)
        rounds.append((waits, seen(event)))
        return answer("wait" if len(rounds) < 4 else "done", "scene-2-1", seen=None, waits=waits + 1)

    run(Play(static=0, answers={"scene-2": waiting}))
    assert [waits for waits, _ in rounds] == [0, 1, 2, 3]


def test_a_scene_that_fails_is_looked_at_and_the_others_go_on():
    def stop(arguments):
        if arguments["Name"] == "scene-0-1":
            raise TaskError("States.TaskFailed", "x" * 5000)

    play = Play(static=0, answers={"scene-0": failing}, faults={"RunScene": stop})
    runner = run(play)
    problem = play.of("FollowScene")[1]["Payload"]["problem"]
    assert problem["Error"] == "States.TaskFailed"
    assert problem["Cause"].startswith("x")
    assert runner.children[0] == {"Error": "refused", "Cause": "scene-0-1: why"}
    assert len(play.of("RunScene")) == 4


@pytest.mark.parametrize(
    "error",
    [
        "StepFunctions.ThrottlingException",
        "StepFunctions.ExecutionLimitExceeded",
        "StepFunctions.AWSStepFunctionsException",
    ],
)
def test_throttled_starts_are_retried(error):
    tries = []

    def throttle(arguments):
        tries.append(arguments)
        if len(tries) < 3:
            raise TaskError(error, "slow down")

    run(Play(static=0, faults={"RunScene": throttle}))
    assert len(tries) == 2 + 4


def test_more_failures_than_are_tolerated_end_the_campaign_with_a_report():
    play = Play(static=0, answers={"scene-0": failing, "scene-1": failing})
    with pytest.raises(ExecutionFailed) as failure:
        run(play)
    (summary,) = play.of("SummarizeCampaign")
    assert summary["Payload"]["failure"] == {
        "Error": "States.ExceedToleratedFailureThreshold",
        "Cause": "2 children failed",
    }
    assert failure.value.error == "TooManyFailed"
    assert failure.value.cause.startswith("2 children failed")


def test_static_layers_that_fail_stop_the_campaign_before_its_scenes():
    play = Play(answers={"static-0": failing})
    with pytest.raises(ExecutionFailed):
        run(play)
    assert [start["Name"] for start in play.of("RunScene")] == ["static-0-1"]


def test_scenes_that_are_missing_in_the_end_fail_the_campaign():
    play = Play(static=0)
    play_summary = {
        "outcome": "incomplete", "error": "ScenesMissing", "message": "3 of 4", "report": "s3://w/r",
    }  # fmt: skip
    play.opened["lists"] = [{**OPENED["lists"][1], "tolerated": 4}]

    def call(state, arguments):
        return {"Payload": play_summary} if state == "SummarizeCampaign" else play(state, arguments)

    with pytest.raises(ExecutionFailed, match="ScenesMissing: 3 of 4"):
        Runner(campaign(), call).run({})


def test_a_list_that_is_refused_says_why():
    def refuse(arguments):
        raise TaskError("RefusedError", '{"errorMessage": "list x: line 2: not json"}')

    with pytest.raises(ExecutionFailed, match=r"RefusedError.*list x: line 2"):
        run(Play(faults={"OpenCampaign": refuse}))


@pytest.mark.parametrize("error", ["States.Timeout", "Lambda.Unknown"])
def test_a_scene_that_cannot_be_looked_at_fails_by_a_name_that_a_fail_state_may_have(error):
    def lost(arguments):
        if arguments["Payload"]["item"]["name"] == "scene-0":
            raise TaskError(error, None)

    runner = run(Play(static=0, faults={"FollowScene": lost}))
    assert runner.children[0] == {"Error": error.removeprefix("States."), "Cause": ""}


def test_a_scene_ends_by_its_own_limit_before_the_campaign_stops_it():
    run = campaign()["States"]["ProcessList"]["ItemProcessor"]["States"]["RunScene"]
    assert run["TimeoutSeconds"] > definition()["TimeoutSeconds"]
