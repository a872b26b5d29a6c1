"""Know which execution a thread works for and whether it still runs; sleeps end with it."""

import contextvars
import time
from collections.abc import Callable, Mapping
from typing import Any

_SLICE_S = 0.2

execution: contextvars.ContextVar[Mapping[str, Any] | None] = contextvars.ContextVar(
    "execution", default=None
)


def stopped() -> bool:
    """Whether the execution of this thread was stopped; False if it has none."""
    found = execution.get()
    return found is not None and found.get("status") not in (None, "RUNNING")


def sleep_while_running(seconds: float, wait: Callable[[float], None] = time.sleep) -> None:
    """Sleep, but wake up when the execution of this thread is stopped."""
    left = seconds
    while left > 0 and not stopped():
        wait(min(left, _SLICE_S))
        left -= _SLICE_S


def apply() -> None:
    """Patch the emulator in this process: waits end when their execution is stopped, and it stays stopped."""
    from ministack.services import stepfunctions as states

    def scaled_sleep(seconds: float) -> None:
        sleep_while_running(seconds * states._SFN_WAIT_SCALE)

    plain_fail: Callable[..., Any] = states._fail_execution

    def fail_running(found: Any, error: str, cause: str) -> Any:
        return plain_fail(found, error, cause) if found["status"] == "RUNNING" else None

    states._scaled_sleep = scaled_sleep
    states._fail_execution = fail_running
