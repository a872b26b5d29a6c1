"""What an execution did, from its Step Functions history: states one by one, and the bursts within its Maps."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product
from rtcflow_contract.report import Outcome

# Ends of one attempt of a Task, and whether it went well.
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
    """One passage through a state; `exited` is None while it lasts, `attempts` counts the calls of a Task."""

    name: str
    type: str
    entered: datetime
    exited: datetime | None = None
    attempts: int = 0
    failed: bool = False
    output: Any = None

    def seconds(self, now: datetime) -> float:
        """Time spent in it until its end, or until `now`."""
        return max(0.0, ((self.exited or now) - self.entered).total_seconds())


@dataclass
class BurstRun:
    """A burst's way through the states of the Map named `within`."""

    burst_id: str
    product: Product
    within: str
    job: str
    states: list[StateRun] = field(default_factory=list)

    @property
    def result(self) -> Mapping[str, Any]:
        """The Map iteration's result, empty until it is there."""
        last = self.states[-1]
        output = last.output if last.exited and isinstance(last.output, dict) else {}
        return output if "outcome" in output else {}

    @property
    def outcome(self) -> Outcome | None:
        """Made or failed; None while it is under way."""
        return Outcome(self.result["outcome"]) if self.result else None

    @property
    def error_class(self) -> ErrorClass | None:
        """Class of a failed burst's error."""
        name = self.result.get("error_class")
        return ErrorClass(name) if name else None

    @property
    def message(self) -> str:
        """Why it failed, or why its last attempt did."""
        outputs = [state.output for state in self.states if isinstance(state.output, dict)]
        messages = [output["message"] for output in outputs if output.get("message")]
        return str(messages[-1]) if messages and self.outcome is not Outcome.MADE else ""

    @property
    def attempts(self) -> int:
        """Container tasks that were started for it."""
        return int(self.result.get("attempts") or sum(s.name.startswith("Run") for s in self.states) or 1)

    def seconds(self, now: datetime) -> float:
        """Wall time from its first state on."""
        end = self.states[-1].exited or now
        return max(0.0, (end - self.states[0].entered).total_seconds())


@dataclass
class Passage:
    """All states an execution went through, in order of their start; `bursts` by product and id."""

    states: list[StateRun] = field(default_factory=list)
    bursts: dict[tuple[Product, str], BurstRun] = field(default_factory=dict)
    planned: int | None = None

    def within(self, map_state: str) -> list[BurstRun]:
        """Bursts of a Map state, by id."""
        return sorted(
            (run for run in self.bursts.values() if run.within == map_state), key=lambda run: run.burst_id
        )


def read_history(events: Iterable[Mapping[str, Any]]) -> Passage:
    """Put a history's events together.

    A state within a Map is known by its input: the state machine hands every one of them its `burst_id` and `job`.

    Parameters
    ----------
    events : iterable of mapping
        As `GetExecutionHistory` gives them, oldest first, with execution data.
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
            if isinstance(given, dict) and "burst_id" in given and "job" in given:
                inner[run.name, given["burst_id"]] = run
                _burst(passage, given, current.name if current else "").states.append(run)
            else:
                current = run
                passage.states.append(run)
        elif kind.endswith("StateExited"):
            details = event["stateExitedEventDetails"]
            output = _parsed(details.get("output"))
            burst_id = output.get("burst_id") if isinstance(output, dict) else None
            left = inner.pop((details["name"], str(burst_id)), None) or _open(passage, details["name"])
            if left is not None:
                left.exited, left.output = event["timestamp"], output
                left.failed = left.failed or (isinstance(output, dict) and "error" in output)
                if left.name == "PlanScene" and isinstance(output, dict) and not left.failed:
                    passage.planned = output.get("bursts")
        elif current is not None and current.type == "Task" and current.exited is None:
            current.attempts += kind in ("TaskScheduled", "LambdaFunctionScheduled")
            current.failed = not _TASK_ENDS.get(kind, not current.failed)
    return passage


def _open(passage: Passage, name: str) -> StateRun | None:
    return next((s for s in reversed(passage.states) if s.name == name and s.exited is None), None)


def _burst(passage: Passage, given: Mapping[str, Any], within: str) -> BurstRun:
    # .../{product}/{burst_id}/job.json: the key layout of a job's folder.
    product = Product(str(given["job"]).split("/")[-3])
    run = BurstRun(given["burst_id"], product, within, str(given["job"]))
    return passage.bursts.setdefault((product, run.burst_id), run)


def _parsed(text: str | None) -> Any:
    """The JSON of a state's input or output; None when it was left out or cut."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
