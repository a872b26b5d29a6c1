"""Parse a Step Functions history: the states of an execution, and the tasks within its Map."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# Events that end an attempt of a Task, and whether it succeeded.
_TASK_ENDS = {
    "TaskSucceeded": True,
    "TaskFailed": False,
    "TaskTimedOut": False,
    "TaskSubmitFailed": False,
    "TaskStartFailed": False,
    "LambdaFunctionSucceeded": True,
    "LambdaFunctionFailed": False,
    "LambdaFunctionTimedOut": False,
}


@dataclass
class StateRun:
    """One run of a state; `exited` is None while it lasts, `attempts` counts the calls of a Task."""

    name: str
    type: str
    entered: datetime
    exited: datetime | None = None
    attempts: int = 0
    failed: bool = False
    output: Any = None

    def seconds(self, now: datetime) -> float:
        """Duration until its end, or until `now`."""
        return max(0.0, ((self.exited or now) - self.entered).total_seconds())


@dataclass
class TaskHistory:
    """A task's states in the Map; `uri` is its location, `burst_ids` its bursts."""

    uri: str
    burst_ids: tuple[str, ...]
    states: list[StateRun] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Its number among the scene's tasks."""
        return int(self.uri.rpartition("/")[2].removesuffix(".json"))

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        output = self.states[-1].output
        return isinstance(output, dict) and output.get("next") == "done"

    @property
    def calls(self) -> int:
        """Calls of RunTask."""
        return sum(state.name == "RunTask" for state in self.states)

    @property
    def why(self) -> str:
        """Error of its last call of RunTask, if any."""
        ends = [state.output["ended"] for state in self.states if _has_end(state.output)]
        return f"{ends[-1]['Error']}: {ends[-1].get('Cause') or ''}"[:300] if ends else ""

    def seconds(self, now: datetime) -> float:
        """Wall time from its first state on."""
        end = self.states[-1].exited or now
        return max(0.0, (end - self.states[0].entered).total_seconds())


@dataclass
class Passage:
    """All states of an execution in order of their start; `tasks` by URI."""

    states: list[StateRun] = field(default_factory=list)
    tasks: dict[str, TaskHistory] = field(default_factory=dict)
    planned: int | None = None

    def tasks_in_order(self) -> list[TaskHistory]:
        """Tasks by number."""
        return sorted(self.tasks.values(), key=lambda task: task.number)


def read_history(events: Iterable[Mapping[str, Any]]) -> Passage:
    """Combine the events of a history.

    States within the Map are recognized by their input, which has the `task`.

    Parameters
    ----------
    events : iterable of mapping
        Of `GetExecutionHistory`, oldest first, with execution data.
    """
    passage = Passage()
    inner: dict[tuple[str, str], StateRun] = {}
    current: StateRun | None = None
    for event in events:
        kind = str(event["type"])
        if kind.endswith("StateEntered"):
            details = event["stateEnteredEventDetails"]
            run = StateRun(details["name"], kind.removesuffix("StateEntered"), event["timestamp"])
            given = _parsed(details.get("input"))
            if isinstance(given, dict) and "task" in given:
                inner[run.name, given["task"]] = run
                task = TaskHistory(given["task"], tuple(given.get("bursts") or ()))
                passage.tasks.setdefault(task.uri, task).states.append(run)
            else:
                current = run
                passage.states.append(run)
        elif kind.endswith("StateExited"):
            details = event["stateExitedEventDetails"]
            output = _parsed(details.get("output"))
            task_uri = output.get("task") if isinstance(output, dict) else None
            left = inner.pop((details["name"], str(task_uri)), None) or _open(passage, details["name"])
            if left is not None:
                left.exited, left.output = event["timestamp"], output
                left.failed = (
                    left.failed or _has_end(output) or (isinstance(output, dict) and "Error" in output)
                )
                if left.name == "PlanScene" and isinstance(output, dict) and not left.failed:
                    passage.planned = output.get("bursts")
        elif current is not None and current.type == "Task" and current.exited is None:
            current.attempts += kind in ("TaskScheduled", "LambdaFunctionScheduled")
            current.failed = not _TASK_ENDS.get(kind, not current.failed)
    return passage


def _has_end(output: Any) -> bool:
    """Whether a state's output has an error of RunTask."""
    end = output.get("ended") if isinstance(output, dict) else None
    return isinstance(end, dict) and "Error" in end


def _open(passage: Passage, name: str) -> StateRun | None:
    return next((s for s in reversed(passage.states) if s.name == name and s.exited is None), None)


def _parsed(text: str | None) -> Any:
    """The JSON of a state's input or output; None if it was left out or cut off."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
