"""One run of a distributed Map: its children as separate executions, and the limits of the state."""

import contextvars
import copy
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rtcflow_local.twin.bridges import running

Json = dict[str, Any]


class MapRun:
    """One run of a Map: its children, their counts, and whether too many failed."""

    def __init__(
        self, states: Any, parent: Json, label: str | None, count: int, most: int, limits: dict[str, float]
    ) -> None:
        self._states = states
        self._parent = parent
        self._most = most
        self._limits = limits
        machine = f"{parent['stateMachineArn']}/{label or uuid.uuid4()}"
        self._machine = machine
        self.arn = f"{machine.replace(':stateMachine:', ':mapRun:', 1)}:{uuid.uuid4()}"
        self.results: list[Any] = [None] * count
        self.children: list[Json] = []
        self._count = count
        self._view = {
            "mapRunArn": self.arn,
            "executionArn": parent["executionArn"],
            "status": "RUNNING",
            "startDate": states.now_iso(),
            "maxConcurrency": most,
            "toleratedFailurePercentage": limits.get("ToleratedFailurePercentage", 0.0),
            "toleratedFailureCount": int(limits.get("ToleratedFailureCount", 0)),
            "redriveCount": 0,
            "_stateMachineArn": machine,
        }
        self._tell()
        states._map_runs[self.arn] = self._view

    def work_through(self, inputs: list[Any], processor: Json, context: Json) -> None:
        """Run a child for every input, in parallel up to the state's limit, until the parent is stopped."""
        with ThreadPoolExecutor(self._most or min(len(inputs), 64) or 1) as pool:
            for index, given in enumerate(inputs):
                pool.submit(contextvars.copy_context().run, self._run_child, index, given, processor, context)

    def end(self) -> None:
        """Close the run.

        Raises
        ------
        _ExecutionError
            When more children failed than are tolerated, or the parent was stopped.
        """
        stopped, exceeded = self._parent["status"] != "RUNNING", self._exceeded()
        self._view |= {"stopDate": self._states.now_iso()}
        self._view["status"] = "ABORTED" if stopped else "FAILED" if exceeded else "SUCCEEDED"
        self._tell()
        if exceeded or stopped:
            raise self._states._ExecutionError(
                "States.ExceedToleratedFailureThreshold",
                f"{self._failed()} of {self._count} children failed, more than are tolerated",
            )

    def _failed(self) -> int:
        return sum(child["status"] == "FAILED" for child in self.children)

    def _exceeded(self) -> bool:
        """Whether more children failed than are tolerated; none are if no limit is set."""
        failed = self._failed()
        percent, number = (self._limits.get(f"ToleratedFailure{word}") for word in ("Percentage", "Count"))
        return bool(failed) and (
            (percent is None and number is None)
            or (percent is not None and failed * 100 > percent * self._count)
            or (number is not None and failed > number)
        )

    def _run_child(self, index: int, given: Any, processor: Json, context: Json) -> None:
        if self._parent["status"] != "RUNNING" or self._exceeded():
            return
        child = self._make_child(given)
        # Children do not see variables of the machine.
        inner = copy.deepcopy({name: value for name, value in context.items() if name != "variables"})
        about = {
            "Id": child["executionArn"],
            "Name": child["name"],
            "Input": given,
            "StartTime": child["startDate"],
        }
        inner |= {"variables": {}, "Execution": about}
        token = running.execution.set(child)
        try:
            result = self._states._run_sub_machine(
                processor["States"], processor["StartAt"], given, child, inner
            )
            ended = {"status": "SUCCEEDED", "output": json.dumps(result)}
            self.results[index] = result
        except Exception as error:
            name = getattr(error, "error", "States.Runtime")
            ended = {"status": "FAILED", "error": name, "cause": getattr(error, "cause", str(error))}
        finally:
            running.execution.reset(token)
        if child["status"] == "RUNNING":
            child.update(ended, stopDate=self._states.now_iso())
        if self._exceeded():
            for other in self.children:
                if other["status"] == "RUNNING":
                    other.update(status="ABORTED", stopDate=self._states.now_iso())
        self._tell()

    def _make_child(self, given: Any) -> Json:
        name = str(uuid.uuid4())
        child: Json = {
            "executionArn": f"{self._machine.replace(':stateMachine:', ':execution:', 1)}:{name}",
            "stateMachineArn": self._machine,
            "name": name,
            "status": "RUNNING",
            "startDate": self._states.now_iso(),
            "stopDate": None,
            "input": json.dumps(given),
            "output": None,
            "mapRunArn": self.arn,
            "events": [],
            "mockAttempts": {},
        }
        self.children.append(child)
        self._states._executions[child["executionArn"]] = child
        self._tell()
        return child

    def _tell(self) -> None:
        """Update the counts of DescribeMapRun."""
        by_status = [child["status"] for child in self.children]
        counts = {
            "pending": self._count - len(by_status),
            "running": by_status.count("RUNNING"),
            "succeeded": by_status.count("SUCCEEDED"),
            "failed": by_status.count("FAILED"),
            "timedOut": 0,
            "aborted": by_status.count("ABORTED"),
            "total": self._count,
            "resultsWritten": 0,
        }
        self._view |= {"itemCounts": counts, "executionCounts": counts}
