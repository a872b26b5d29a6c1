"""Parse Step Functions errors: a name, and a Cause that may be a function's error in JSON, cut off or absent."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_LONGEST = 8000


class StateFailure(NamedTuple):
    """An error's name and message."""

    error: str
    message: str


def read_failure(raw: Mapping[str, Any] | None) -> StateFailure | None:
    """Parse an `errorOutput` of the state machine; None if there is none.

    The message is that of a function's own error, else the Cause, else the name.
    """
    if not raw:
        return None
    error, cause = str(raw.get("Error") or "Unknown"), str(raw.get("Cause") or "")
    return StateFailure(error, (_message(cause) or cause or error)[:_LONGEST])


def name_to_fail_with(error: str) -> str:
    """An error name that a Fail state may use: those of the States Language are reserved."""
    return error.removeprefix("States.") or "Unknown"


def _message(cause: str) -> str:
    try:
        found = json.loads(cause)
        return str(found.get("errorMessage") or "") if isinstance(found, dict) else ""
    except ValueError:
        matched = re.search(r'"errorMessage"\s*:\s*"((?:[^"\\]|\\.)*)', cause)
        return matched[1].replace('\\"', '"') if matched else ""
