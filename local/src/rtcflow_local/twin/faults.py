"""Faults for tests: what happens to the next task, S3 request or function call.

Faults of S3 and of functions are injected here, those of tasks in `bridges.run_task`.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

_Kind = Literal[
    "refuse",
    "not_started",
    "spot",
    "kill",
    "end",
    "vcpu_quota",
    "s3_unavailable",
    "s3_slow",
    "lambda_timeout",
]
START_KINDS: frozenset[_Kind] = frozenset({"refuse", "not_started"})
RUN_KINDS: frozenset[_Kind] = frozenset({"spot", "kill"})
END_KINDS: frozenset[_Kind] = frozenset({"end"})
QUOTA_KINDS: frozenset[_Kind] = frozenset({"vcpu_quota"})
_S3_KINDS: frozenset[_Kind] = frozenset({"s3_unavailable", "s3_slow"})
_LAMBDA_KINDS: frozenset[_Kind] = frozenset({"lambda_timeout"})

_Answer = tuple[Any, ...]


@dataclass(frozen=True)
class Fault:
    """A fault, which happens `times` times.

    `where` selects what it happens to: a part of a task's location or a burst id in it, or a part of an S3 key.

    To calls of RunTask: `refuse` fails the call with `error` and `cause`, `not_started` lets the task end before it
    starts, for the reason `cause`, `vcpu_quota` refuses what would run more than `vcpu` vCPU at once.

    To tasks, `after_s` seconds into the task, or as burst number `at_burst` (from 1) of this container begins to
    compute: `spot` interrupts it with SIGTERM, and SIGKILL after `grace_s`; `kill` kills its process. To a task that
    ended: `end` makes Step Functions report an error whose `cause` is `exit_0`, as of a container that succeeded, or a
    Cause that is `absent`, `cut` or `text`.

    To S3 requests, by method and path: `s3_unavailable` answers 503 SlowDown, `s3_slow` answers `after_s` seconds late.
    To functions, by their event: `lambda_timeout` lets the function run, and then reports that it timed out.
    """

    where: str
    kind: _Kind
    after_s: float = 0.0
    times: int = 1
    at_burst: int = 0
    grace_s: float = 6.0
    vcpu: float = 0.0
    error: str = ""
    cause: str = ""


class FaultFile:
    """Faults in a JSON file of the twin's folder, which tests write and the emulator reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def put(self, *faults: Fault) -> None:
        """Replace the content of the file."""
        with self._lock:
            self._write(list(faults))

    def take(self, text: str, kinds: Iterable[_Kind]) -> Fault | None:
        """Use up the next fault of some kinds that a text selects; None if there is none."""
        with self._lock:
            faults = self._read()
            for index, fault in enumerate(faults):
                if text and fault.kind in kinds and fault.where in text and fault.times > 0:
                    faults[index] = replace(fault, times=fault.times - 1)
                    self._write(faults)
                    return fault
        return None

    def standing(self, text: str, kinds: Iterable[_Kind]) -> Fault | None:
        """The next fault of some kinds that a text selects, without using it up."""
        with self._lock:
            found = (fault for fault in self._read() if fault.kind in kinds and fault.where in text)
            return next(found, None)

    def left(self) -> list[Fault]:
        """Every fault, with the number of times that it will still happen."""
        with self._lock:
            return self._read()

    def _read(self) -> list[Fault]:
        if not self._path.is_file():
            return []
        return [Fault(**entry) for entry in json.loads(self._path.read_text())]

    def _write(self, faults: list[Fault]) -> None:
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps([asdict(fault) for fault in faults]))
        partial.replace(self._path)


def _disturbed_s3(
    handle: Callable[..., Awaitable[_Answer]], refuse: Callable[..., _Answer], faults: FaultFile
) -> Callable[..., Awaitable[_Answer]]:
    """Wrap the handler of S3 requests; `refuse` makes an S3 error from code, message and status."""

    async def handle_or_disturb(method: str, path: str, *rest: Any, **named: Any) -> _Answer:
        fault = None if named.get("internal") else faults.take(f"{method} {path}", _S3_KINDS)
        if fault is not None and fault.kind == "s3_unavailable":
            return refuse("SlowDown", "Please reduce your request rate.", 503)
        if fault is not None:
            await asyncio.sleep(fault.after_s)
        return await handle(method, path, *rest, **named)

    return handle_or_disturb


def _disturbed_function(
    execute: Callable[..., dict[str, Any]], faults: FaultFile
) -> Callable[..., dict[str, Any]]:
    """Wrap the execution of a function: it runs, but its caller gets a timeout."""

    def execute_or_time_out(function: Any, event: Any, *rest: Any) -> dict[str, Any]:
        result = execute(function, event, *rest)
        if faults.take(json.dumps(event), _LAMBDA_KINDS) is None:
            return result
        body = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 170.00 seconds"}
        return {**result, "body": body, "error": True}

    return execute_or_time_out


def apply(faults: FaultFile) -> None:
    """Patch the emulator in this process."""
    from ministack.services import lambda_svc, s3

    s3.handle_request = _disturbed_s3(s3.handle_request, s3._error, faults)
    lambda_svc._execute_function_warm = _disturbed_function(lambda_svc._execute_function_warm, faults)
