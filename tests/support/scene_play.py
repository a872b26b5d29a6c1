"""Plays the tasks of the scene state machine: a test says only what goes wrong.

RunTask's container is played by outcomes that are kept here; AssembleStac decides as the function does.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from rtcflow_contract.request import Compute
from rtcflow_scene.task_decision import decide
from rtcflow_scene.task_end import read_end
from rtcflow_scene.task_run import StackSettings, TaskRun, first_run
from tests.support.asl_runner import ExecutionFailed, Runner, TaskError
from tests.support.definition import definition

Fault = Callable[[str, int, dict[str, Any]], None]
BURSTS = [f"t070_1498{number:02d}_iw{swath}" for swath in (1, 2, 3) for number in range(10)]
# As long as they can get: a bucket name of 63 and an execution name of 80 characters, subnets of three zones.
FOLDER = f"s3://{'w' * 63}/executions/{'e' * 80}"
STACK = StackSettings(
    cluster=f"arn:aws:ecs:ap-southeast-2:123456789012:cluster/{'c' * 20}",
    task_definition=f"arn:aws:ecs:ap-southeast-2:123456789012:task-definition/{'c' * 20}-burst:123",
    subnets=",".join(f"subnet-{number:017x}" for number in range(3)),
    security_group="sg-0123456789abcdef0",
)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
MILLISECONDS = 1_767_312_000_000


def task_uri(number: int) -> str:
    return f"{FOLDER}/tasks/{number}.json"


def ended_task(
    stop_code: str | None = "EssentialContainerExited",
    exit_code: int | None = 0,
    reason: str = "Essential container in task exited",
) -> dict[str, Any]:
    container: dict[str, Any] = {"Name": "burst", "LastStatus": "STOPPED", "Image": "i" * 200}
    if exit_code is not None:
        container["ExitCode"] = exit_code
    return {
        "TaskArn": f"arn:aws:ecs:ap-southeast-2:123456789012:task/cluster/{'a' * 32}",
        "StopCode": stop_code,
        "StoppedReason": reason,
        "PullStartedAt": MILLISECONDS,
        "StoppedAt": MILLISECONDS + 90_000,
        "Containers": [container],
        "Attachments": ["x" * 3000],
    }


def stopped(
    stop_code: str | None = "EssentialContainerExited", exit_code: int | None = None, reason: str = "r" * 255
) -> TaskError:
    return TaskError("States.TaskFailed", json.dumps(ended_task(stop_code, exit_code, reason)))


def lambda_error(error: str, message: str) -> TaskError:
    return TaskError(
        error, json.dumps({"errorMessage": message, "errorType": error, "stackTrace": ["s" * 500] * 9})
    )


class Play:
    """Answers for every task; `faults` by state name may raise, given what is asked and the number of the call.

    `left` says how many bursts of a task a container leaves, given the task's URI and the number of the container.
    """

    def __init__(
        self,
        bursts: list[str] | None = None,
        *,
        per_task: int = 1,
        faults: dict[str, Fault] | None = None,
        link: bool = False,
        compute: str = "spot",
        waits: tuple[int, ...] = (),
        left: Callable[[str, int], int] = lambda task, container: 0,
        stack: StackSettings = STACK,
    ) -> None:
        self.waits = list(waits)
        self.bursts = BURSTS[:2] if bursts is None else bursts
        self.per_task = per_task
        self.faults = faults or {}
        self.link = link
        self.compute = compute
        self.left = left
        self.stack = stack
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.containers: Counter[str] = Counter()
        self.paused: list[int] = []
        self.clock = NOW

    def __call__(self, state: str, arguments: dict[str, Any]) -> Any:
        self.calls.append((state, arguments))
        key = (state, json.dumps(arguments.get("Overrides") or arguments.get("Payload")))
        task = task_of(arguments)
        self.counts[(state, task or key[1])] += 1
        if state in self.faults:
            self.faults[state](key[1], self.counts[(state, task or key[1])], arguments)
        return self._answer(state, arguments)

    def _answer(self, state: str, arguments: dict[str, Any]) -> Any:
        if state == "PlanScene":
            return {"Payload": self._plan()}
        if state == "CheckStaticLayers":
            return {"Payload": {"missing": 0, "message": "all static layers exist"}}
        if state == "AssembleStac":
            return {"Payload": self._after_task(arguments["Payload"])}
        if state == "SummarizeScene":
            payload = arguments["Payload"]
            failed = payload["failure"] or any(
                task.get("reason") or "Error" in task for task in payload["tasks"]
            )
            sentence = {
                "outcome": "failed" if failed else "succeeded",
                "error": "BurstsFailed",
                "message": "m" * 3000,
                "report": "s3://w/r",
            }
            return {"Payload": sentence}
        return ended_task()

    def _plan(self) -> dict[str, Any]:
        groups = [self.bursts[i : i + self.per_task] for i in range(0, len(self.bursts), self.per_task)]
        tasks = [
            first_run(
                task_uri(number),
                bursts,
                stack=self.stack,
                compute=Compute(self.compute),
                tasks=len(groups),
                timeout_s=2700,
                scene="S" * 67,
                collection="c" * 100,
            ).model_dump(mode="json", exclude_defaults=True)
            for number, bursts in enumerate(groups)
        ]
        return {
            "plan": f"{FOLDER}/plan.json",
            "orbit_wait_s": self.waits.pop(0) if self.waits else 0,
            "max_concurrency": 30,
            "link_static_layers": self.link,
            "bursts": len(self.bursts),
            "tasks": tasks,
        }

    def _after_task(self, payload: dict[str, Any]) -> dict[str, Any]:
        run, end = TaskRun.model_validate(payload), read_end(payload["ended"])
        before = len(run.bursts) if run.left is None else run.left
        left = before
        if end.ran:
            self.containers[run.task] += 1
            left = min(before, self.left(run.task, self.containers[run.task]))
        began = end.ran and end.exit_code != 65
        verdict = decide(run, end, left=left, begun=began, now=self.clock, share=1.0)
        if verdict.run is not None:
            self.paused.append(verdict.wait_s)
            self.clock += timedelta(seconds=verdict.wait_s)
            again = verdict.run.model_dump(mode="json", exclude_defaults=True)
            return {"next": "again", "wait_s": verdict.wait_s, "items": 0, **again}
        return {
            "next": "done",
            "items": before - left,
            "task": run.task,
            "number": 0,
            "bursts": list(run.bursts),
            "capacity": run.compute.value,
            "usage": verdict.usage.model_dump(mode="json"),
            # The function writes these into the outcomes of the bursts that are left.
            "error_class": verdict.error_class.value if verdict.reason else None,
            "reason": verdict.reason,
            "message": verdict.message,
        }

    def of(self, state: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == state]

    @property
    def summary_input(self) -> dict[str, Any]:
        return self.of("SummarizeScene")[-1]["Payload"]

    def results(self) -> dict[str, dict[str, Any]]:
        return {result["task"]: result for result in self.summary_input["tasks"]}


def task_of(arguments: dict[str, Any]) -> str:
    """URI of the task that a RunTask call is for, or of AssembleStac's; empty for others."""
    payload = arguments.get("Payload")
    if isinstance(payload, dict) and "task" in payload:
        return str(payload["task"])
    for container in arguments.get("Overrides", {}).get("ContainerOverrides", []):
        return str(container["Environment"][0]["Value"])
    return ""


def runner(play: Play) -> Runner:
    return Runner(definition(), play)


PAYLOAD = {"scene": "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"}


def always(error):
    def fault(key, attempt, arguments):
        raise error

    return fault


def fails(key_part, error, times=99):
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
