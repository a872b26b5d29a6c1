"""Inject faults of S3 and of functions into the emulator; those of tasks are in bridges.run_task."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from rtcflow_local.twin.faults import LAMBDA_KINDS, S3_KINDS, FaultFile

Answer = tuple[Any, ...]


def disturbed_s3(
    handle: Callable[..., Awaitable[Answer]], refuse: Callable[..., Answer], faults: FaultFile
) -> Callable[..., Awaitable[Answer]]:
    """Wrap the handler of S3 requests; `refuse` makes an S3 error from code, message and status."""

    async def handle_or_disturb(method: str, path: str, *rest: Any, **named: Any) -> Answer:
        fault = None if named.get("internal") else faults.take(f"{method} {path}", S3_KINDS)
        if fault is not None and fault.kind == "s3_unavailable":
            return refuse("SlowDown", "Please reduce your request rate.", 503)
        if fault is not None:
            await asyncio.sleep(fault.after_s)
        return await handle(method, path, *rest, **named)

    return handle_or_disturb


def disturbed_function(
    execute: Callable[..., dict[str, Any]], faults: FaultFile
) -> Callable[..., dict[str, Any]]:
    """Wrap the execution of a function: it runs, but its caller gets a timeout."""

    def execute_or_time_out(function: Any, event: Any, *rest: Any) -> dict[str, Any]:
        result = execute(function, event, *rest)
        if faults.take(json.dumps(event), LAMBDA_KINDS) is None:
            return result
        body = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 170.00 seconds"}
        return {**result, "body": body, "error": True}

    return execute_or_time_out


def apply(faults: FaultFile) -> None:
    """Patch the emulator in this process."""
    from ministack.services import lambda_svc, s3

    s3.handle_request = disturbed_s3(s3.handle_request, s3._error, faults)
    lambda_svc._execute_function_warm = disturbed_function(lambda_svc._execute_function_warm, faults)
