"""Record states within a Map in the history, as on AWS; the emulator records only the outermost level."""

import contextvars
import json
from collections.abc import Callable
from typing import Any

# By Map iteration, each of which runs in its own context.
_execution: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("execution", default=None)
_TYPES = {
    "_execute_task": "Task",
    "_execute_pass": "Pass",
    "_execute_choice": "Choice",
    "_execute_wait": "Wait",
}


def recorded(
    execute: Callable[..., tuple[Any, Any]], kind: str, add_event: Callable[..., Any]
) -> Callable[..., tuple[Any, Any]]:
    """Wrap the function that runs a state so that entry and exit are recorded."""

    def execute_and_record(state: Any, given: Any, *rest: Any) -> tuple[Any, Any]:
        execution = _execution.get()
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


def within_execution(run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function that runs a Map iteration so that its states know their execution."""

    def run_within(states: Any, start: Any, given: Any, execution: Any, context: Any) -> Any:
        token = _execution.set(execution)
        try:
            return run(states, start, given, execution, context)
        finally:
            _execution.reset(token)

    return run_within


def apply() -> None:
    """Patch the emulator in this process."""
    from ministack.services import stepfunctions

    stepfunctions._run_sub_machine = within_execution(stepfunctions._run_sub_machine)
    for function, kind in _TYPES.items():
        setattr(
            stepfunctions,
            function,
            recorded(getattr(stepfunctions, function), kind, stepfunctions._add_event),
        )
