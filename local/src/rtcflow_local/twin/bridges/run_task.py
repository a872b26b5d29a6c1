"""`ecs:runTask.sync` as Step Functions does it.

Names in PascalCase, failure with States.TaskFailed and the task as JSON when a container exits non-zero, no limit of
ten minutes, and the task stopped when its state times out or its execution is stopped.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from rtcflow_contract.task import TASK_VARIABLE
from rtcflow_local.twin.bridges import step_functions
from rtcflow_local.twin.faults import END_KINDS, QUOTA_KINDS, RUN_KINDS, START_KINDS, Fault, FaultFile

_POLL_S = 0.1
_LOCATION = re.compile(r"^s3://(?P<bucket>[^/]+)/(?P<key>.+)$")
_QUOTA = (
    "AmazonECS.Unknown",
    '[{"Reason": "You\'ve reached the limit on the number of vCPUs you can run concurrently"}]',
)


def pascal(value: Any) -> Any:
    """Capitalize the first letter of all keys."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(inner) for key, inner in value.items()}
    return [pascal(inner) for inner in value] if isinstance(value, list) else value


def _task_of(request: Mapping[str, Any]) -> str:
    """Location of the task in a RunTask request, empty if none."""
    for container in request.get("overrides", {}).get("containerOverrides", []):
        for variable in container.get("environment", []):
            if variable.get("name") == TASK_VARIABLE:
                return str(variable.get("value", ""))
    return ""


def failed(task: Mapping[str, Any]) -> bool:
    """Whether a stopped task (PascalCase) fails its state."""
    succeeded = task.get("StopCode") == "EssentialContainerExited"
    return not succeeded or any(container.get("ExitCode") != 0 for container in task.get("Containers", []))


class RunTask:
    """Runs tasks through the emulator's own ECS; `faults` are injected for tests.

    Parameters
    ----------
    states, ecs : modules of the emulator
    read : callable
        Content of an object in the emulator's S3, by bucket and key; None where there is none.
    faults : FaultFile
    """

    def __init__(
        self, states: Any, ecs: Any, read: Callable[[str, str], bytes | None], faults: FaultFile
    ) -> None:
        self._states = states
        self._ecs = ecs
        self._read = read
        self._faults = faults
        self._vcpu: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, resource: str, arguments: dict[str, Any], timeout: float | None = None) -> Any:
        """Run a task; with `.sync` wait for its end."""
        request = self._states._pascal_to_camel(arguments)
        jobs = self._jobs(_task_of(request))
        named = " ".join([_task_of(request), *(str(job["work"][1]) for job in jobs)])
        self._refuse(self._faults.take(named, START_KINDS))
        with self._lock:
            arn = self._start(request, named)
        try:
            if not resource.rstrip("/").endswith(".sync"):
                return pascal(self._describe(request, arn))
            disturbance = self._faults.take(named, RUN_KINDS)
            task = pascal(self._wait(request, arn, timeout, disturbance, jobs))
        finally:
            self._vcpu.pop(arn, None)
        end = self._faults.take(named, END_KINDS)
        if end is not None:
            raise self._states._ExecutionError("States.TaskFailed", _faulty_cause(task, end.cause))
        if failed(task):
            raise self._states._ExecutionError("States.TaskFailed", json.dumps(task))
        return task

    def _refuse(self, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.kind == "refuse":
            raise self._states._ExecutionError(fault.error, fault.cause)
        task = {
            "StopCode": "TaskFailedToStart",
            "StoppedReason": fault.cause,
            "HealthStatus": "UNKNOWN",
            "Containers": [{"Name": "burst", "LastStatus": "STOPPED"}],
        }
        raise self._states._ExecutionError("States.TaskFailed", json.dumps(task))

    def _start(self, request: Mapping[str, Any], named: str) -> str:
        """Start a task within the vCPU quota, if there is one; returns its ARN."""
        quota = self._faults.standing(named, QUOTA_KINDS)
        vcpu = self._vcpu_of(request) if quota else 0.0
        if quota is not None and sum(self._vcpu.values()) + vcpu > quota.vcpu:
            raise self._states._ExecutionError(*_QUOTA)
        status, _, body = self._ecs._run_task(request)
        answer = json.loads(body)
        if status >= 400:
            name = str(answer.get("__type", "ServerException")).rpartition("#")[2]
            raise self._states._ExecutionError(f"ECS.{name}", answer.get("message", str(answer)))
        arn = str(answer["tasks"][0]["taskArn"])
        self._vcpu[arn] = vcpu
        return arn

    def _vcpu_of(self, request: Mapping[str, Any]) -> float:
        asked = {"taskDefinition": request["taskDefinition"]}
        definition = json.loads(self._ecs._describe_task_definition(asked)[2])["taskDefinition"]
        return float(definition["cpu"]) / 1024

    def _describe(self, request: Mapping[str, Any], arn: str) -> dict[str, Any]:
        asked = {"cluster": request.get("cluster", "default"), "tasks": [arn]}
        found: dict[str, Any] = json.loads(self._ecs._describe_tasks(asked)[2])["tasks"][0]
        return found

    def _wait(
        self,
        request: Mapping[str, Any],
        arn: str,
        timeout: float | None,
        fault: Fault | None,
        jobs: list[dict[str, Any]],
    ) -> dict[str, Any]:
        cluster = request.get("cluster", "default")
        begun = self._begun(jobs) if fault is not None and fault.at_burst else set()
        started, interrupted = time.monotonic(), None
        while True:
            time.sleep(_POLL_S)
            task = self._describe(request, arn)
            waited = time.monotonic() - started
            if task["lastStatus"] == "STOPPED":
                return task if interrupted is None else {**task, **_INTERRUPTED}
            if timeout is not None and waited > timeout:
                self._ecs._stop_task({"cluster": cluster, "task": arn, "reason": "State timed out"})
                raise self._states._ExecutionError(
                    "States.Timeout", f"Task timed out after {timeout} seconds"
                )
            if step_functions.stopped():
                self._ecs._stop_task({"cluster": cluster, "task": arn, "reason": "Execution stopped"})
            if interrupted is not None and time.monotonic() > interrupted:
                self._signal(arn, "kill")
            elif (
                fault is not None
                and task["lastStatus"] == "RUNNING"
                and self._is_due(fault, waited, begun, jobs)
            ):
                if fault.kind == "spot":
                    interrupted = time.monotonic() + fault.grace_s
                self._signal(arn, "terminate" if fault.kind == "spot" else "kill")
                fault = None

    def _is_due(self, fault: Fault, waited: float, before: set[str], jobs: list[dict[str, Any]]) -> bool:
        if not fault.at_burst:
            return waited >= fault.after_s
        return len(self._begun(jobs) - before) >= fault.at_burst

    def _begun(self, jobs: list[dict[str, Any]]) -> set[str]:
        """Bursts that began to compute, from the records, one entry for each attempt."""
        texts = (self._read(job["work"][0], f"{job['work'][1]}/begun.json") for job in jobs)
        return {text.decode() for text in texts if text and json.loads(text).get("computing")}

    def _jobs(self, uri: str) -> list[dict[str, Any]]:
        at = _LOCATION.fullmatch(uri)
        text = self._read(at["bucket"], at["key"]) if at else None
        return list(json.loads(text)["jobs"]) if text else []

    def _signal(self, arn: str, how: str) -> None:
        for container_id in list(self._ecs._tasks[arn].get("_docker_ids") or []):
            getattr(self._ecs._get_docker().containers.get(container_id), how)()


_INTERRUPTED = {"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."}


def _faulty_cause(task: Mapping[str, Any], how: str) -> str | None:
    """The Cause of a stopped task with a fault: `exit_0`, `absent`, `cut` or `text`."""
    whole = json.dumps(task)
    if how == "exit_0":
        containers = [{**container, "ExitCode": 0} for container in task.get("Containers", [])]
        return json.dumps({**task, "Containers": containers})
    return {"absent": None, "cut": whole[: len(whole) // 2], "text": "the task ended"}[how]


def apply(faults: FaultFile) -> None:
    """Patch the emulator in this process."""
    from ministack.services import ecs, s3
    from ministack.services import stepfunctions as states

    def read(bucket: str, key: str) -> bytes | None:
        status, _, body = s3._get_object(bucket, key, {}, {})
        return bytes(body) if status == 200 else None

    run_task = RunTask(states, ecs, read, faults)
    plain_timeout: Callable[..., Any] = states._invoke_resource_with_timeout
    plain_task: Callable[..., Any] = states._execute_task

    def with_timeout(resource: str, arguments: dict[str, Any], timeout: float) -> Any:
        if "ecs:runTask" in resource:
            return run_task(resource, arguments, timeout)
        return plain_timeout(resource, arguments, timeout)

    def in_execution(state: Any, given: Any, execution: Any, context: Any) -> Any:
        token = step_functions.current.set(execution)
        try:
            if step_functions.stopped():
                raise states._ExecutionError("States.Runtime", "the execution was stopped")
            if isinstance(state.get("TimeoutSeconds"), str):
                # The emulator accepts only a number.
                limit = states._jsonata_state_field(state, "TimeoutSeconds", "number", given, context)
                state = {**state, "TimeoutSeconds": limit}
            return plain_task(state, given, execution, context)
        finally:
            step_functions.current.reset(token)

    states._invoke_resource_with_timeout = with_timeout
    states._execute_task = in_execution
    for key in [key for key in states._SERVICE_DISPATCH if "ecs" in key]:
        states._SERVICE_DISPATCH[key] = run_task
