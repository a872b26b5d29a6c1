"""Distributed Map in JSONata: ItemReader, ItemSelector, limits, ResultWriter, and children that end with their parent.

Items are read from one whole object: JSONL, JSON or CSV. ItemBatcher, listings as items and redrive are not supported.
"""

import contextvars
import copy
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rtcflow_local.twin.bridges import step_functions
from rtcflow_local.twin.bridges.run_task import pascal

Json = dict[str, Any]
# Files of ResultWriter by status of the children.
_RESULT_FILES = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "ABORTED": "FAILED", "RUNNING": "PENDING"}
_CHILD_FIELDS = (
    "executionArn",
    "name",
    "stateMachineArn",
    "status",
    "startDate",
    "stopDate",
    "input",
    "output",
    "error",
    "cause",
)


class _MapRun:
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
        self._update_counts()
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
        self._update_counts()
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
        token = step_functions.current.set(child)
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
            step_functions.current.reset(token)
        if child["status"] == "RUNNING":
            child.update(ended, stopDate=self._states.now_iso())
        if self._exceeded():
            for other in self.children:
                if other["status"] == "RUNNING":
                    other.update(status="ABORTED", stopDate=self._states.now_iso())
        self._update_counts()

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
        self._update_counts()
        return child

    def _update_counts(self) -> None:
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


class _DistributedMap:
    """Runs distributed Maps; `states` and `s3` are the emulator's services, `plain` its own implementation."""

    def __init__(self, states: Any, s3: Any, plain: Callable[..., Any]) -> None:
        self._states = states
        self._s3 = s3
        self._plain = plain

    def __call__(
        self, state: Json, given: Any, effective: Any, processor: Json, execution: Json, context: Json
    ) -> tuple[Any, Any]:
        """Run a Map state; by the emulator's own implementation unless its language is JSONata."""
        states = self._states
        if states._state_query_language(state, context) != "JSONata":
            result: tuple[Any, Any] = self._plain(state, given, effective, processor, execution, context)
            return result
        inputs = [
            self._fill(state.get("ItemSelector", "{% $states.context.Map.Item.Value %}"), given, inner)
            for item in enumerate(self._items(state, given, context))
            for inner in [_with_item(context, *item)]
        ]
        limits: dict[str, float] = {
            field: float(self._fill(state[field], given, context) or 0)
            for field in ("ToleratedFailurePercentage", "ToleratedFailureCount")
            if field in state
        }
        most = int(self._fill(state.get("MaxConcurrency", 0), given, context) or 0)
        run = _MapRun(states, execution, state.get("Label"), len(inputs), most, limits)
        run.work_through(inputs, processor, context)
        written = self._write_results(state, given, context, run)
        run.end()
        answer = {"MapRunArn": run.arn, "ResultWriterDetails": written} if written else run.results
        output = states._apply_jsonata_output(state, given, context, result=answer, default=answer)
        states._apply_state_assign(state, given, context, result=answer)
        return output, states._next_or_end(state)

    def _items(self, state: Json, given: Any, context: Json) -> list[Any]:
        reader = state.get("ItemReader")
        if reader is None:
            items: list[Any] = self._fill(state["Items"], given, context)
            return items
        at = self._fill(reader["Arguments"], given, context)
        config = self._fill(reader.get("ReaderConfig") or {}, given, context)
        text = self._states._s3_object_text(at["Bucket"], at["Key"])
        items = self._states._parse_reader_items(text, config)
        return items[: int(config["MaxItems"])] if config.get("MaxItems") else items

    def _fill(self, template: Any, given: Any, context: Json) -> Any:
        return self._states._apply_jsonata_template(template, given, context)

    def _write_results(self, state: Json, given: Any, context: Json, run: _MapRun) -> Json | None:
        """Write manifest.json and one file per status below the prefix, like Step Functions."""
        if "ResultWriter" not in state:
            return None
        at = self._fill(state["ResultWriter"]["Arguments"], given, context)
        folder = f"{at['Prefix'].strip('/')}/{run.arn.rpartition(':')[2]}"
        files: dict[str, list[Json]] = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
        for name in files:
            children = [
                pascal(_view(child)) for child in run.children if _RESULT_FILES[child["status"]] == name
            ]
            if children:
                key, data = f"{folder}/{name}_0.json", json.dumps(children).encode()
                self._put(at["Bucket"], key, data)
                files[name].append({"Key": key, "Size": len(data)})
        manifest = {"DestinationBucket": at["Bucket"], "MapRunArn": run.arn, "ResultFiles": files}
        self._put(at["Bucket"], f"{folder}/manifest.json", json.dumps(manifest).encode())
        return {"Bucket": at["Bucket"], "Key": f"{folder}/manifest.json"}

    def _put(self, bucket: str, key: str, data: bytes) -> None:
        status = self._s3._put_object(bucket, key, data, {"content-type": "application/json"})[0]
        if status >= 400:
            raise self._states._ExecutionError("States.ResultWriterFailed", f"s3://{bucket}/{key}: {status}")


def _with_item(context: Json, index: int, item: Any) -> Json:
    return {**context, "Map": {"Item": {"Index": index, "Value": item}}}


def _view(child: Json) -> Json:
    return {field: child[field] for field in _CHILD_FIELDS if child.get(field) is not None}


def _stopping_children(stop: Callable[..., Any], states: Any) -> Callable[..., Any]:
    """Wrap StopExecution so that the children of an execution's Map runs are stopped with it."""

    def stop_with_children(data: Json) -> Any:
        answer = stop(data)
        runs = {
            arn for arn, run in states._map_runs.items() if run["executionArn"] == data.get("executionArn")
        }
        if answer[0] < 400:
            for child in list(states._executions.values()):
                if child.get("mapRunArn") in runs and child["status"] == "RUNNING":
                    child.update(status="ABORTED", stopDate=states.now_iso())
        return answer

    return stop_with_children


def apply() -> None:
    """Patch the emulator in this process."""
    from ministack.services import s3
    from ministack.services import stepfunctions as states

    states._run_distributed_map = _DistributedMap(states, s3, states._run_distributed_map)
    states._stop_execution = _stopping_children(states._stop_execution, states)
