"""Read an execution's status, history and definition from Step Functions."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rtcflow_contract.errors import EXIT_CODES, ErrorClass, error_class_of_name
from rtcflow_local.report.aws import asked
from rtcflow_local.report.history import Passage, StateRun, read_history

RUNNING = "RUNNING"


@dataclass(frozen=True)
class ExecutionState:
    """Status and history of an execution."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None
    payload: dict[str, Any]
    error: str
    cause: str
    passage: Passage

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.status != RUNNING

    @property
    def scene(self) -> str:
        """Scene of the payload, empty when it has none."""
        return str(self.payload.get("scene", ""))

    def seconds(self, now: datetime | None = None) -> float:
        """Wall time so far, or in total."""
        return ((self.stopped or now or datetime.now(UTC)) - self.started).total_seconds()

    @property
    def error_class(self) -> ErrorClass | None:
        """Class of the failure, from SummarizeScene, else from the execution's error."""
        if self.status in (RUNNING, "SUCCEEDED", "PENDING_REDRIVE"):
            return None
        if self.status in ("ABORTED", "TIMED_OUT"):
            return ErrorClass.TRANSIENT
        name = next(
            (o["error_class"] for o in map(_output, self.passage.states) if o.get("error_class")), None
        )
        return ErrorClass(name) if name in list(ErrorClass) else error_class_of_name(self.error)

    @property
    def exit_code(self) -> int:
        """Exit code of a command that waited for it: 0, or that of its error class."""
        return EXIT_CODES[self.error_class] if self.error_class else 0

    @property
    def sentence(self) -> str:
        """How it ended and why, in a sentence."""
        # The cause of a failed scene ends with the report's location, which commands print separately.
        why = self.cause.rpartition(" (report s3://")[0] or self.cause
        return {
            RUNNING: "runs",
            "SUCCEEDED": "succeeded",
            "ABORTED": f"was stopped{f': {why}' if why else ''}; start it again to make what is missing",
            "TIMED_OUT": "ran out of time; start it again to make what is missing",
        }.get(self.status, f"failed: {why or self.error}")


def read_execution(client: Any, arn: str) -> ExecutionState:
    """Status and history of an execution.

    Parameters
    ----------
    client : boto3 Step Functions client
    arn : str

    Raises
    ------
    RefusedError, TransientError
        When there is no such execution, access is denied, or Step Functions cannot be reached.
    """
    with asked(f"execution {arn}"):
        found = client.describe_execution(executionArn=arn)
        pages = client.get_paginator("get_execution_history").paginate(
            executionArn=arn, includeExecutionData=True, PaginationConfig={"PageSize": 1000}
        )
        events = [event for page in pages for event in page["events"]]
    payload = json.loads(found.get("input") or "{}")
    return ExecutionState(
        arn=arn,
        name=found["name"],
        status=found["status"],
        started=found["startDate"],
        stopped=found.get("stopDate"),
        payload=payload if isinstance(payload, dict) else {},
        error=found.get("error") or "",
        cause=found.get("cause") or "",
        passage=read_history(events),
    )


def _output(state: StateRun) -> dict[str, Any]:
    return state.output if isinstance(state.output, dict) else {}
