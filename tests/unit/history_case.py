"""A scene's execution as Step Functions tells it: events of a history, and a client that answers with them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2025, 4, 8, 2, 54, 1, tzinfo=UTC)
SCENE = "S1A_IW_SLC__1SDV_20200511T135117_20200511T135144_032518_03C421_7768"
ARN = "arn:aws:states:us-west-2:123456789012:execution:Scene:first"


class History:
    """Builds events; `at` is the clock in seconds since the start."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.at = 0.0

    def add(self, kind: str, **details: Any) -> None:
        moment = START + timedelta(seconds=self.at)
        self.events.append({"id": len(self.events) + 1, "type": kind, "timestamp": moment, **details})

    def enter(self, kind: str, name: str, given: Any) -> None:
        self.add(f"{kind}StateEntered", stateEnteredEventDetails={"name": name, "input": json.dumps(given)})

    def leave(self, kind: str, name: str, output: Any) -> None:
        self.add(f"{kind}StateExited", stateExitedEventDetails={"name": name, "output": json.dumps(output)})

    def task(self, name: str, seconds: float, output: Any, given: Any = None, tries: int = 1) -> None:
        self.enter("Task", name, given or {})
        for number in range(tries):
            self.add("TaskScheduled")
            self.at += seconds / tries
            self.add("TaskSucceeded" if number == tries - 1 else "TaskFailed")
        self.leave("Task", name, output)


def job(burst_id: str, product: str = "RTC_S1") -> dict[str, Any]:
    uri = f"s3://work/executions/first/{product}/{burst_id}/job.json"
    return {"burst_id": burst_id, "job": uri, "capacity": "FARGATE_SPOT", "attempts": 1}


def scene_history(made: list[str], failed: list[str] = (), *, end: bool = True) -> History:
    """PlanScene called twice, one Map, a minute a burst; failed ones by a corrupt measurement."""
    history = History()
    history.add("ExecutionStarted")
    history.task("PlanScene", 3, {"bursts": len(made) + len(failed)}, {"scene": SCENE}, tries=2)
    history.enter("Choice", "AreStaticLayersLinked", {})
    history.leave("Choice", "AreStaticLayersLinked", {})
    history.enter("Map", "ProcessBursts", {})
    for burst_id in [*made, *failed]:
        history.enter("Task", "RunBurst", job(burst_id))
    history.at += 60
    if not end:
        return history
    for burst_id in made:
        history.leave("Task", "RunBurst", job(burst_id))
        item = f"s3://products/{burst_id}/metadata.json"
        output = {"burst_id": burst_id, "outcome": "made", "attempts": 1, "item": item}
        history.task("AssembleBurstStac", 1, output, job(burst_id))
    for burst_id in failed:
        told = {"error": "States.TaskFailed", "error_class": "refused", "message": "exit code 65: corrupt"}
        history.leave("Task", "RunBurst", {**job(burst_id), **told})
        history.enter("Pass", "RecordBurstFailure", {**job(burst_id), **told})
        output = {"burst_id": burst_id, "outcome": "failed", "attempts": 1, **told}
        del output["error"]
        history.leave("Pass", "RecordBurstFailure", output)
    history.leave("Map", "ProcessBursts", {"bursts": len(made) + len(failed)})
    history.task("SummarizeScene", 1, {"outcome": "failed" if failed else "succeeded", "message": "done"})
    history.enter("Choice", "DidSceneSucceed", {})
    history.leave("Choice", "DidSceneSucceed", {})
    if failed:
        history.enter("Fail", "FailScene", {})
        history.add("ExecutionFailed")
    else:
        history.enter("Succeed", "SucceedScene", {})
        history.leave("Succeed", "SucceedScene", {})
        history.add("ExecutionSucceeded")
    return history


class States:
    """Step Functions client of one execution; each look gives the next of `looks`, the last again and again."""

    def __init__(self, *looks: tuple[str, History], definition: Any = None, **told: Any) -> None:
        self._looks = list(looks)
        self._told = told
        self._definition = definition
        self.started: list[dict[str, Any]] = []

    def describe_execution(self, **asked: Any) -> dict[str, Any]:
        status, history = self._looks[0]
        stopped = {} if status == "RUNNING" else {"stopDate": START + timedelta(seconds=history.at)}
        payload = json.dumps({"scene": SCENE})
        told = {"name": "first", "status": status, "startDate": START, "input": payload}
        return {**told, **stopped, **(self._told if status == "FAILED" else {})}

    def get_paginator(self, name: str) -> Any:
        assert name == "get_execution_history"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        history = self._looks.pop(0)[1] if len(self._looks) > 1 else self._looks[0][1]
        middle = len(history.events) // 2
        return [{"events": history.events[:middle]}, {"events": history.events[middle:]}]

    def describe_state_machine_for_execution(self, **asked: Any) -> dict[str, Any]:
        return {"definition": json.dumps(self._definition)}

    def start_execution(self, **asked: Any) -> dict[str, Any]:
        self.started.append(asked)
        return {"executionArn": f"{ARN.rsplit(':', 1)[0]}:{asked['name']}"}
