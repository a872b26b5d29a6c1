"""`states:startExecution.sync:2` as Step Functions does it.

A used name is refused, unless its execution runs with the same input; then the state waits for that one. The execution
has events and history like any other, is stopped with its parent, and its failure is `States.TaskFailed` with the
execution as JSON.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from rtcflow_local.twin.bridges import running

_POLL_S = 0.1


class NestedExecution:
    """Runs executions for states of other executions; `states` is the emulator's Step Functions."""

    def __init__(self, states: Any) -> None:
        self._states = states

    def __call__(self, resource: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Start an execution and wait for its end."""
        request = self._states._nested_start_execution_request(arguments)
        arn = self._start(request)
        while (found := self._states._executions[arn])["status"] == "RUNNING":
            if running.stopped():
                self._states._stop_execution({"executionArn": arn, "cause": "its parent was stopped"})
            time.sleep(_POLL_S)
        answer = {name[:1].upper() + name[1:]: value for name, value in self._view(arn).items()}
        if found["status"] != "SUCCEEDED":
            raise self._states._ExecutionError("States.TaskFailed", json.dumps(answer))
        if resource.endswith(":2"):
            answer["Output"] = json.loads(answer.get("Output") or "{}")
        return answer

    def _start(self, request: dict[str, Any]) -> str:
        status, _, body = self._states._start_execution(request)
        answer = json.loads(body)
        if status < 400:
            return str(answer["executionArn"])
        name = str(answer.get("__type", "ServiceException")).rpartition("#")[2]
        if name == "ExecutionAlreadyExists":
            arn = self._arn(request)
            found = self._states._executions[arn]
            if found["status"] == "RUNNING" and json.loads(found["input"]) == json.loads(request["input"]):
                return arn
        raise self._states._ExecutionError(f"StepFunctions.{name}Exception", answer.get("message", ""))

    def _arn(self, request: Mapping[str, Any]) -> str:
        machine = self._states._resolve_state_machine_arn(request["stateMachineArn"])
        return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{request['name']}"

    def _view(self, arn: str) -> dict[str, Any]:
        view: dict[str, Any] = json.loads(self._states._describe_execution({"executionArn": arn})[2])
        return view


def apply() -> None:
    """Patch the emulator in this process."""
    from ministack.services import stepfunctions

    stepfunctions._invoke_nested_start_execution_sync = NestedExecution(stepfunctions)
