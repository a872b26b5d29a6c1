"""Distributed Map in JSONata: ItemReader, ItemSelector, limits, ResultWriter, and children that end with their parent.

Items are read from one whole object: JSONL, JSON or CSV. ItemBatcher, listings as items and redrive are not supported.
"""

import json
from collections.abc import Callable
from typing import Any

from rtcflow_local.twin.bridges.map_run import MapRun
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
        run = MapRun(states, execution, state.get("Label"), len(inputs), most, limits)
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

    def _write_results(self, state: Json, given: Any, context: Json, run: MapRun) -> Json | None:
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


def stopping_children(stop: Callable[..., Any], states: Any) -> Callable[..., Any]:
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
    states._stop_execution = stopping_children(states._stop_execution, states)
