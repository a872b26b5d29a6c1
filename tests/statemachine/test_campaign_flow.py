"""The campaign state machine, with its tasks played: order, rounds of a scene, and how it ends."""

import pytest
from asl_runner import ExecutionFailed, Runner, TaskError
from definition import campaign, definition

SCENES = [{"name": f"scene-{number}", "payload": {"scene": f"S1A_{number}"}} for number in range(4)]
STATIC = [{"name": "static-0", "payload": {"scene": "S1A_0", "product": "RTC_S1_STATIC"}}]
OPENED = {
    "campaign": "continent",
    "bucket": "work",
    "results": "campaigns/continent/results",
    "max_scenes": 500,
    "tolerated_failure_percent": 25,
    "scenes": {"key": "items/scenes.jsonl", "count": 4},
    "static": {"key": "items/static.jsonl", "count": 1},
}


class Play:
    """Answers for the tasks: every scene runs once and is done, but for what `answers` and `faults` say."""

    def __init__(self, static=1, answers=None, faults=None):
        self.opened = {**OPENED, "static": {**OPENED["static"], "count": static}}
        self.answers = answers or {}
        self.faults = faults or {}
        self.calls = []

    def __call__(self, state, arguments):
        self.calls.append((state, arguments))
        if state in self.faults:
            self.faults[state](arguments)
        if state == "ItemReader":
            return STATIC if "static" in arguments["Key"] else SCENES
        if state == "OpenCampaign":
            return {"Payload": self.opened}
        if state.startswith("Follow"):
            return {"Payload": self.follow(arguments["Payload"])}
        if state == "SummarizeCampaign":
            return {"Payload": {"outcome": "complete", "message": "all made", "report": "s3://w/report.json"}}
        return {"Status": "SUCCEEDED"}

    def follow(self, event):
        name = event["item"]["name"]
        if name in self.answers:
            return self.answers[name](event)
        decision = "done" if event["seen"] else "run"
        return answer(decision, f"{name}-1")

    def of(self, state):
        return [arguments for name, arguments in self.calls if name == state]


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
    return answer("failed" if event["seen"] else "run", f"{event['item']['name']}-1")


def run(play):
    runner = Runner(campaign(), play, "continent-1")
    runner.run({"campaign": "continent"})
    return runner


def test_static_layers_are_made_before_the_scenes():
    play = Play()
    runner = run(play)
    visited = [name for name in runner.visited if name.startswith("Run")]
    assert visited == ["RunStaticScene"] + ["RunScene"] * 4
    assert runner.visited[-1] == "SucceedCampaign"


def test_without_a_static_list_scenes_come_at_once():
    runner = run(Play(static=0))
    assert "MakeStaticLayers" not in runner.visited


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


def test_a_child_ends_with_what_it_made():
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
        rounds.append((event["waits"], event["seen"]))
        return answer("wait" if len(rounds) < 4 else "done", "scene-2-1", seen=None)

    run(Play(static=0, answers={"scene-2": waiting}))
    assert [waits for waits, _ in rounds] == [0, 1, 2, 3]


def test_a_scene_that_fails_is_looked_at_and_the_others_go_on():
    def stop(arguments):
        if arguments["Name"] == "scene-0-1":
            raise TaskError("States.TaskFailed", "x" * 5000)

    play = Play(static=0, answers={"scene-0": failing}, faults={"RunScene": stop})
    runner = run(play)
    problem = play.of("FollowScene")[1]["Payload"]["problem"]
    assert problem.startswith("States.TaskFailed: x")
    assert len(problem) == 300
    assert runner.children[0] == {"Error": "refused", "Cause": "scene-0-1: why"}
    assert len(play.of("RunScene")) == 4


def test_throttled_starts_are_tried_again():
    tries = []

    def throttle(arguments):
        tries.append(arguments)
        if len(tries) < 3:
            raise TaskError("StepFunctions.ThrottlingException", "slow down")

    run(Play(static=0, faults={"RunScene": throttle}))
    assert len(tries) == 2 + 4


def test_more_failures_than_are_tolerated_end_the_campaign_with_a_report():
    play = Play(static=0, answers={"scene-0": failing, "scene-1": failing})
    with pytest.raises(ExecutionFailed) as failure:
        run(play)
    assert failure.value.error == "States.ExceedToleratedFailureThreshold"
    assert failure.value.cause.startswith("all made. 2 children failed")
    assert play.of("SummarizeCampaign")


def test_static_layers_that_fail_stop_the_campaign_before_its_scenes():
    play = Play(answers={"static-0": failing})
    with pytest.raises(ExecutionFailed):
        run(play)
    assert not play.of("RunScene")


def test_scenes_that_are_missing_in_the_end_fail_the_campaign():
    play = Play(static=0)
    play_summary = {"outcome": "incomplete", "message": "3 of 4", "report": "s3://w/r"}
    play.opened["tolerated_failure_percent"] = 100

    def call(state, arguments):
        return {"Payload": play_summary} if state == "SummarizeCampaign" else play(state, arguments)

    with pytest.raises(ExecutionFailed, match="ScenesMissing: 3 of 4"):
        Runner(campaign(), call).run({})


def test_a_list_that_is_refused_says_why():
    def refuse(arguments):
        raise TaskError("RefusedError", '{"errorMessage": "list x: line 2: not json"}')

    with pytest.raises(ExecutionFailed, match="RefusedError: list x: line 2"):
        run(Play(faults={"OpenCampaign": refuse}))


def test_both_maps_go_the_same_way():
    states = campaign()["States"]

    def renamed(value):
        if isinstance(value, dict):
            return {renamed(key): renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        return value.replace("StaticScene", "Scene") if isinstance(value, str) else value

    static, scenes = states["MakeStaticLayers"], states["ProcessScenes"]
    for field in ("ItemProcessor", "ItemSelector", "MaxConcurrency", "ToleratedFailurePercentage"):
        assert renamed(static[field]) == scenes[field]


@pytest.mark.parametrize(
    ("outer", "state"), [("MakeStaticLayers", "RunStaticScene"), ("ProcessScenes", "RunScene")]
)
def test_a_scene_ends_by_its_own_limit_before_the_campaign_stops_it(outer, state):
    run = campaign()["States"][outer]["ItemProcessor"]["States"][state]
    assert run["TimeoutSeconds"] > definition()["TimeoutSeconds"]
