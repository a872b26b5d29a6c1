"""Start an execution of a state machine once per name, and look up its status."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rtcflow_cloud.failures import error_code, translated

# An ARN's eighth field is its version or alias.
_FIELDS_OF_MACHINE = 7
# Allowed difference between two clocks.
_SKEW = timedelta(minutes=1)
RUNNING = "RUNNING"
# Without ABORTED: an operator's stop is not a failure.
_FAILED = ("FAILED", "TIMED_OUT")
SUCCEEDED = "SUCCEEDED"


class Execution(NamedTuple):
    """An execution's status as Step Functions names it, its input, and its error (empty if it did not fail)."""

    status: str
    payload: dict[str, Any]
    error: str = ""
    cause: str = ""


@lru_cache(maxsize=1)
def _client() -> Any:
    return boto3.client("stepfunctions", config=Config(retries={"mode": "adaptive", "max_attempts": 8}))


def start_once(state_machine: str, name: str, payload: Mapping[str, Any], client: Any = None) -> bool:
    """Start an execution; returns False if the name is taken.

    Step Functions also reports success when an execution of that name runs with the same payload; its start then lies
    before the call.

    Raises
    ------
    TransientError, RefusedError, DefectError
        When Step Functions did not start it.
    """
    with translated(f"state machine {state_machine}"):
        try:
            called = datetime.now(UTC)
            answer = (client or _client()).start_execution(
                stateMachineArn=state_machine, name=name, input=json.dumps(payload, sort_keys=True)
            )
        except ClientError as error:
            if error_code(error) == "ExecutionAlreadyExists":
                return False
            raise
    return bool(answer["startDate"] > called - _SKEW)


def execution_arn(state_machine: str, name: str) -> str:
    """ARN of an execution; the state machine's ARN may end in a version or an alias."""
    machine = ":".join(state_machine.split(":")[:_FIELDS_OF_MACHINE])
    return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{name}"


def describe(state_machine: str, name: str, client: Any = None) -> Execution | None:
    """The execution of that name; None if it does not exist or was forgotten."""
    with translated(f"execution {name}"):
        try:
            found = (client or _client()).describe_execution(executionArn=execution_arn(state_machine, name))
        except ClientError as error:
            if error_code(error) == "ExecutionDoesNotExist":
                return None
            raise
    payload = json.loads(found.get("input") or "{}")
    return Execution(str(found["status"]), payload, found.get("error") or "", found.get("cause") or "")


def failed_since(state_machine: str, since: datetime, client: Any = None) -> dict[str, datetime]:
    """Executions started since a time that failed, by name, with the time of failure."""
    machine = ":".join(state_machine.split(":")[:_FIELDS_OF_MACHINE])
    found: dict[str, datetime] = {}
    with translated(f"state machine {state_machine}"):
        for status in _FAILED:
            pages = (
                (client or _client())
                .get_paginator("list_executions")
                .paginate(stateMachineArn=machine, statusFilter=status)
            )
            for page in pages:
                # Listed newest first.
                fresh = [one for one in page["executions"] if one["startDate"] >= since]
                found |= {one["name"]: one.get("stopDate") or one["startDate"] for one in fresh}
                if len(fresh) < len(page["executions"]):
                    break
    return found
