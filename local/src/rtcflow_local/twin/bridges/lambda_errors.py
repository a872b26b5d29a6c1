"""Report the Python exception's name for a failed Lambda, as on AWS.

The emulator's warm workers report only the message, so that no Retry or Catch by name would match. The traceback that
they send ends in the exception's name.
"""

import re
from collections.abc import Callable
from typing import Any

# "rtcflow_contract.errors.RefusedError: the scene payload was refused: ..."
_LAST_LINE = re.compile(r"^(?:[\w.]*\.)?(\w+)(?::|$)")


def _error_name(trace: str) -> str | None:
    """Name of the exception at the end of a traceback, without its module."""
    for line in reversed(trace.strip().splitlines()):
        if line.startswith((" ", "\t")):
            break
        match = _LAST_LINE.match(line)
        if match and match[1][0].isupper():
            return match[1]
    return None


def _with_error_name(execute: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap the execution of a function in a warm worker so that its error has the name that AWS gives."""

    def execute_with_error_name(*args: Any, **kwargs: Any) -> dict[str, Any]:
        result = execute(*args, **kwargs)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            # The log ends with the traceback.
            trace = str(result.get("log") or "")
            body["errorType"] = _error_name(trace) or body["errorType"]
            body["stackTrace"] = trace.splitlines()
        return result

    return execute_with_error_name


def apply() -> None:
    """Patch the emulator in this process."""
    from ministack.services import lambda_svc

    lambda_svc._execute_function_warm = _with_error_name(lambda_svc._execute_function_warm)
