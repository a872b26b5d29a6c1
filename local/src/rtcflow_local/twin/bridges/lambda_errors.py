"""A failed Lambda reports the name of its Python exception, as on AWS.

The emulator's warm workers report the message only, so that no Retry or Catch by name would ever match. The traceback
they send along ends in the exception's name.
"""

import re
from collections.abc import Callable
from typing import Any

# "rtcflow_contract.errors.RefusedError: the scene payload was refused: ..."
_LAST_LINE = re.compile(r"^(?:[\w.]*\.)?(\w+)(?::|$)")


def error_name(trace: str) -> str | None:
    """Name of the exception that a traceback ends in, without its module."""
    for line in reversed(trace.strip().splitlines()):
        if line.startswith((" ", "\t")):
            break
        match = _LAST_LINE.match(line)
        if match and match[1][0].isupper():
            return match[1]
    return None


def with_error_name(invoke: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap a worker's invoke so that errors carry the payload AWS gives."""

    def invoke_with_error_name(*args: Any, **kwargs: Any) -> dict[str, Any]:
        result = invoke(*args, **kwargs)
        name = error_name(result.get("trace") or "") if result.get("status") == "error" else None
        if name:
            result.setdefault(
                "error_payload",
                {
                    "errorMessage": result.get("error", ""),
                    "errorType": name,
                    "stackTrace": result["trace"].splitlines(),
                },
            )
        return result

    return invoke_with_error_name


def apply() -> None:
    """Mend the emulator in this process."""
    from ministack.core.lambda_runtime import Worker

    Worker.invoke = with_error_name(Worker.invoke)
