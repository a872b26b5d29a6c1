"""Executions as in Step Functions: stopped ones stay stopped, Maps have a history, and executions start others.

Waits end when their execution is stopped; states within a Map are recorded in the history; a state that starts an
execution (`states:startExecution.sync:2`) follows it to its end.
"""

import contextvars
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

_POLL_S = 0.1
_SLICE_S = 0.2
_RECORDED = {
    "_execute_task": "Task",
    "_execute_pass": "Pass",
    "_execute_choice": "Choice",
    "_execute_wait": "Wait",
}
# The execution that a thread works for.
current: contextvars.ContextVar[Mapping[str, Any] | None] = contextvars.ContextVar("execution", default=None)
# Set within a Map's iteration, each of which runs in its own context.
_map_execution: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("map", default=None)


def stopped() -> bool:
    """Whether the execution of this thread was stopped; False if it has none."""
    found = current.get()
    return found is not None and found.get("status") not in (None, "RUNNING")


def _sleep_while_running(seconds: float, wait: Callable[[float], None] = time.sleep) -> None:
    """Sleep, but wake up when the execution of this thread is stopped."""
    left = seconds
    while left > 0 and not stopped():
        wait(min(left, _SLICE_S))
        left -= _SLICE_S


def _recorded(
    execute: Callable[..., tuple[Any, Any]], kind: str, add_event: Callable[..., Any]
) -> Callable[..., tuple[Any, Any]]:
    """Wrap the function that runs a state so that entry and exit are recorded."""

    def execute_and_record(state: Any, given: Any, *rest: Any) -> tuple[Any, Any]:
        execution = _map_execution.get()
        if execution is None:
            return execute(state, given, *rest)
        # The context is the last argument, after the execution if the state needs it.
        name = rest[-1]["State"]["Name"]
        _record(add_event, execution, f"{kind}StateEntered", name, "input", given)
        output, following = execute(state, given, *rest)
        _record(add_event, execution, f"{kind}StateExited", name, "output", output)
        return output, following

    return execute_and_record


def _record(
    add_event: Callable[..., Any], execution: dict[str, Any], kind: str, name: str, what: str, value: Any
) -> None:
    details = "stateEnteredEventDetails" if what == "input" else "stateExitedEventDetails"
    add_event(execution, kind, {details: {"name": name, what: json.dumps(value)}})


def _within_map(run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function that runs a Map iteration so that its states know their execution."""

    def run_within(states: Any, start: Any, given: Any, execution: Any, context: Any) -> Any:
        token = _map_execution.set(execution)
        try:
            return run(states, start, given, execution, context)
        finally:
            _map_execution.reset(token)

    return run_within


class _NestedExecution:
    """Runs executions for states of other executions; `states` is the emulator's Step Functions.

    A used name is refused, unless its execution runs with the same input; then the state waits for that one. The
    execution has events and history like any other, is stopped with its parent, and its failure is `States.TaskFailed`
    with the execution as JSON.
    """

    def __init__(self, states: Any) -> None:
        self._states = states

    def __call__(self, resource: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Start an execution and wait for its end."""
        request = self._states._nested_start_execution_request(arguments)
        arn = self._start(request)
        while (found := self._states._executions[arn])["status"] == "RUNNING":
            if stopped():
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
    from ministack.services import stepfunctions as states

    def scaled_sleep(seconds: float) -> None:
        _sleep_while_running(seconds * states._SFN_WAIT_SCALE)

    plain_fail: Callable[..., Any] = states._fail_execution

    def fail_running(found: Any, error: str, cause: str) -> Any:
        return plain_fail(found, error, cause) if found["status"] == "RUNNING" else None

    states._scaled_sleep = scaled_sleep
    states._fail_execution = fail_running
    states._run_sub_machine = _within_map(states._run_sub_machine)
    for function, kind in _RECORDED.items():
        setattr(states, function, _recorded(getattr(states, function), kind, states._add_event))
    states._invoke_nested_start_execution_sync = _NestedExecution(states)
