"""`ecs:runTask.sync` as Step Functions does it.

Names in PascalCase, failure with States.TaskFailed and the task as JSON when a container exits non-zero, no limit of
ten minutes, and the task stopped when its state times out or its execution is stopped.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from rtcflow_local.twin.bridges import running
from rtcflow_local.twin.faults import Fault, FaultFile

_POLL_S = 0.1


def pascal(value: Any) -> Any:
    """Names of all objects with a capital first letter."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(inner) for key, inner in value.items()}
    return [pascal(inner) for inner in value] if isinstance(value, list) else value


def job_of(request: Mapping[str, Any]) -> str:
    """The job that a RunTask request hands to its container, empty when none."""
    for container in request.get("overrides", {}).get("containerOverrides", []):
        for variable in container.get("environment", []):
            if variable.get("name") == "RTCFLOW_JOB":
                return str(variable.get("value", ""))
    return ""


def failed(task: Mapping[str, Any]) -> bool:
    """Whether a stopped task (PascalCase) fails its state."""
    stopped_well = task.get("StopCode") == "EssentialContainerExited"
    return not stopped_well or any(container.get("ExitCode") != 0 for container in task.get("Containers", []))


class RunTask:
    """Runs tasks through the emulator's own ECS; `faults` are injected for tests."""

    def __init__(self, states: Any, ecs: Any, faults: FaultFile) -> None:
        self._states = states
        self._ecs = ecs
        self._faults = faults

    def __call__(self, resource: str, arguments: dict[str, Any], timeout: float | None = None) -> Any:
        """Run a task; with `.sync` wait for its end."""
        request = self._states._pascal_to_camel(arguments)
        fault = self._faults.take(job_of(request))
        if fault is not None and fault.kind == "throttle":
            raise self._states._ExecutionError("ECS.AmazonECSException", "Rate exceeded")
        status, _, body = self._ecs._run_task(request)
        answer = json.loads(body)
        if status >= 400:
            name = str(answer.get("__type", "ServerException")).rpartition("#")[2]
            raise self._states._ExecutionError(f"ECS.{name}", answer.get("message", str(answer)))
        if not resource.rstrip("/").endswith(".sync"):
            return pascal(answer)
        cluster, arn = request.get("cluster", "default"), answer["tasks"][0]["taskArn"]
        task = pascal(self._wait(cluster, arn, timeout, fault))
        if failed(task):
            raise self._states._ExecutionError("States.TaskFailed", json.dumps(task))
        return task

    def _wait(self, cluster: str, arn: str, timeout: float | None, fault: Fault | None) -> dict[str, Any]:
        started = time.monotonic()
        while True:
            time.sleep(_POLL_S)
            task: dict[str, Any] = json.loads(
                self._ecs._describe_tasks({"cluster": cluster, "tasks": [arn]})[2]
            )["tasks"][0]
            if task["lastStatus"] == "STOPPED":
                return task
            waited = time.monotonic() - started
            if timeout is not None and waited > timeout:
                self._ecs._stop_task({"cluster": cluster, "task": arn, "reason": "State timed out"})
                raise self._states._ExecutionError(
                    "States.Timeout", f"Task timed out after {timeout} seconds"
                )
            if running.stopped():
                self._ecs._stop_task({"cluster": cluster, "task": arn, "reason": "Execution stopped"})
            if fault is not None and task["lastStatus"] == "RUNNING" and waited >= fault.after_s:
                self._inject(fault, arn)
                fault = None

    def _inject(self, fault: Fault, arn: str) -> None:
        task = self._ecs._tasks[arn]
        if fault.kind == "spot":
            reason = "Your Spot Task was interrupted."
            self._ecs._mark_task_stopped(arn, task, reason, "SpotInterruption", exit_code=143)
            self._ecs._cleanup_task_resources(task, self._ecs._get_docker())
        elif fault.kind == "kill":
            for container_id in list(task.get("_docker_ids") or []):
                self._ecs._get_docker().containers.get(container_id).kill()


def apply(faults: FaultFile) -> None:
    """Mend the emulator in this process."""
    from ministack.services import ecs
    from ministack.services import stepfunctions as states

    run_task = RunTask(states, ecs, faults)
    plain_timeout: Callable[..., Any] = states._invoke_resource_with_timeout
    plain_task: Callable[..., Any] = states._execute_task

    def with_timeout(resource: str, arguments: dict[str, Any], timeout: float) -> Any:
        if "ecs:runTask" in resource:
            return run_task(resource, arguments, timeout)
        return plain_timeout(resource, arguments, timeout)

    def in_execution(state: Any, given: Any, execution: Any, context: Any) -> Any:
        token = running.execution.set(execution)
        try:
            if running.stopped():
                raise states._ExecutionError("States.Runtime", "the execution was stopped")
            return plain_task(state, given, execution, context)
        finally:
            running.execution.reset(token)

    states._invoke_resource_with_timeout = with_timeout
    states._execute_task = in_execution
    for key in [key for key in states._SERVICE_DISPATCH if "ecs" in key]:
        states._SERVICE_DISPATCH[key] = run_task
