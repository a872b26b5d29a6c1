"""Plays the tasks of the scene state machine: every test says only what goes otherwise than well."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from asl_runner import Runner, TaskError
from definition import definition

from rtcflow_scene.cost_tags import cost_tags

Fault = Callable[[str, int, dict[str, Any]], None]
BURSTS = [f"t070_1498{number:02d}_iw{swath}" for number in range(10) for swath in (1, 2, 3)]


def job_uri(burst_id: str, product: str = "RTC_S1") -> str:
    # As long as keys can get: a bucket name of 63 and an execution name of 80 characters.
    return f"s3://{'w' * 63}/executions/{'e' * 80}/{product}/{burst_id}/job.json"


def stopped(stop_code: str = "EssentialContainerExited", exit_code: int | None = None) -> TaskError:
    container: dict[str, Any] = {"Name": "burst", "LastStatus": "STOPPED", "Image": "i" * 200}
    if exit_code is not None:
        container["ExitCode"] = exit_code
    task = {
        "StopCode": stop_code,
        "StoppedReason": "r" * 255,
        "Containers": [container],
        "Attachments": ["x" * 3000],
    }
    return TaskError("States.TaskFailed", json.dumps(task))


def lambda_error(error: str, message: str) -> TaskError:
    return TaskError(
        error, json.dumps({"errorMessage": message, "errorType": error, "stackTrace": ["s" * 500] * 9})
    )


class Play:
    """Answers for every task; `faults` by state name may raise, given burst id and attempt number."""

    def __init__(
        self,
        bursts: list[str] | None = None,
        *,
        faults: dict[str, Fault] | None = None,
        link: bool = False,
        static: dict[str, Any] | None = None,
        compute: str = "spot",
        waits: tuple[int, ...] = (),
    ) -> None:
        self.waits = list(waits)
        self.bursts = BURSTS[:2] if bursts is None else bursts
        self.faults = faults or {}
        self.link = link
        self.static = static or {"decision": "linked", "message": "", "missing": [], "jobs": []}
        self.compute = compute
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def __call__(self, state: str, arguments: dict[str, Any]) -> Any:
        self.calls.append((state, arguments))
        key = (state, json.dumps(arguments.get("Overrides") or arguments.get("Payload")))
        self.counts[key] += 1
        if state in self.faults:
            self.faults[state](key[1], self.counts[key], arguments)
        return self._answer(state, arguments)

    def _answer(self, state: str, arguments: dict[str, Any]) -> Any:
        if state == "PlanScene":
            plan = {
                "plan": f"s3://{'w' * 63}/executions/{'e' * 80}/plan.json",
                "tags": cost_tags("S" * 67, "c" * 100),
                "static_tags": cost_tags("S" * 67, "static"),
                "orbit_wait_s": self.waits.pop(0) if self.waits else 0,
                "compute": self.compute,
                "max_concurrency": 30,
                "link_static_layers": self.link,
                "bursts": [{"burst_id": name, "job": job_uri(name)} for name in self.bursts],
            }
            return {"Payload": plan}
        if state == "CheckStaticLayers":
            return {"Payload": self.static}
        if state == "SummarizeScene":
            payload = arguments["Payload"]
            failed = payload["failure"] or any(
                burst["outcome"] == "failed" for burst in payload["bursts"] + payload["static_bursts"]
            )
            told = {
                "outcome": "failed" if failed else "succeeded",
                "message": "m" * 3000,
                "report": "s3://w/r",
            }
            return {"Payload": told}
        if state.startswith("Assemble"):
            burst_id = arguments["Payload"]["job"].split("/")[-2]
            return {
                "Payload": {
                    "burst_id": burst_id,
                    "item": f"s3://{'p' * 63}/{'k' * 200}",
                    "manifest": "m" * 260,
                }
            }
        return {"Tasks": [{"Containers": [{"ExitCode": 0}]}], "TaskArn": "a" * 3000}

    def of(self, state: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == state]

    @property
    def summary_input(self) -> dict[str, Any]:
        return self.of("SummarizeScene")[-1]["Payload"]

    def results(self) -> dict[str, dict[str, Any]]:
        return {result["burst_id"]: result for result in self.summary_input["bursts"]}


def runner(play: Play) -> Runner:
    return Runner(definition(), play)
