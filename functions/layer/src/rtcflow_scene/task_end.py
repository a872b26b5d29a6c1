"""Parse how a call of RunTask ended: a result, or an error with a Cause that may be cut off.

Names and messages: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html, its API failure reasons
and stopped-task error codes. RunTask failures come as `AmazonECS.Unknown`, its exceptions as `ECS.<name>`, the end of a
container as `States.TaskFailed` with the task as JSON.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from rtcflow_contract.errors import ErrorClass

_LONGEST = 300


class EndKind(StrEnum):
    """What the end of a call requires.

    `ran`: the bursts' outcomes decide. `interrupted`: the same, on other capacity. `capacity`: wait, then use
    on-demand. `rate`: wait. `not_started`: retry a few times. `caller`: a person has to fix something.
    """

    RAN = "ran"
    INTERRUPTED = "interrupted"
    CAPACITY = "capacity"
    RATE = "rate"
    NOT_STARTED = "not-started"
    CALLER = "caller"


class TaskEnd(NamedTuple):
    """End of one call; `exit_code` is that of the container, times are None if unknown."""

    kind: EndKind
    why: str
    error_class: ErrorClass = ErrorClass.TRANSIENT
    reason: str = "task-stopped"
    exit_code: int | None = None
    id: str = ""
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def ran(self) -> bool:
        """Whether a container may have begun bursts."""
        return self.kind in (EndKind.RAN, EndKind.INTERRUPTED)


class _Fault(NamedTuple):
    """A fault that a person has to fix, recognized by AWS's wording."""

    words: re.Pattern[str]
    reason: str
    advice: str


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.DOTALL)


_RATE = _words(r"rate exceeded|throttl|too many (requests|concurrent)|request limit")
_CAPACITY = _words(
    r"capacity is (unavailable|not available)|capacity limit|(insufficient|not enough|no|lack of) capacity|RESOURCE:"
    r"|(limit|quota)\b.*\bvCPU|vCPU.*\b(limit|quota)|limit on the number of|no container instances were found"
)
_GONE = (
    r"not found|does not exist|(manifest|name) unknown|denied|unauthorized|no basic auth|not authorized"
    r"|does not contain descriptor"
)
_FAULTS = (
    _Fault(
        _words(rf"CannotPull\w*Error.*({_GONE})|image .*({_GONE})|no matching manifest"),
        "image",
        "push the image that ImageUri names, for the stack's architecture, and start the scene again",
    ),
    _Fault(
        _words(r"did not contain json key"),
        "secret",
        "put every key that the template names into the secret of the archives (empty text where there is no login) "
        "and start the scene again",
    ),
    _Fault(
        _words(
            r"(secret|ssm).*(AccessDenied|not authorized|ResourceNotFound|can't find|cannot find|KMS|DecryptionFailure)"
        ),
        "secret",
        "let the stack's execution role read the secret of the archives, and start the scene again",
    ),
    _Fault(
        _words(r"\b(MISSING|INACTIVE)\b"),
        "run-task",
        "deploy the stack again, whose task definition or cluster is gone, and start the scene again",
    ),
)
_STOPPED_BY_AWS = ("SpotInterruption", "TerminationNotice", "InfrastructureHealth")
_RATE_NAMES = (
    "AmazonECSException",
    "ThrottlingException",
    "ServerException",
    "SdkClientException",
    "LimitExceededException",
)
# Error names of the States Language.
_TIMEOUTS = ("States.Timeout", "States.HeartbeatTimeout")


def read_end(ended: Any) -> TaskEnd:
    """Parse how a call of RunTask ended.

    Parameters
    ----------
    ended : mapping
        The result of RunTask, which has `Containers`, or an error's `Error` and `Cause`; any part may be missing.
    """
    result = ended if isinstance(ended, Mapping) else {}
    if "Error" not in result:
        return _of_task(json.dumps(result, default=str))
    error, cause = str(result["Error"]), str(result.get("Cause") or "")
    if error == "States.TaskFailed":
        return _of_task(cause)
    if error in _TIMEOUTS:
        return TaskEnd(EndKind.RAN, "the task took longer than its bursts may take", reason="time-limit")
    return _of_refusal(error, cause)


def _of_refusal(error: str, cause: str) -> TaskEnd:
    """The end of a call that started no task."""
    why = _cut(f"{error}: {cause}" if cause else error)
    service, _, name = error.rpartition(".")
    if _RATE.search(cause):
        return TaskEnd(EndKind.RATE, why, reason="rate")
    if _CAPACITY.search(cause):
        return TaskEnd(EndKind.CAPACITY, why, reason="capacity")
    fault = _fault_of(cause)
    if fault:
        return _callers(why, fault.reason, fault.advice)
    if name in _RATE_NAMES:
        return TaskEnd(EndKind.RATE, why, reason="rate")
    if name == "Unknown":
        return TaskEnd(EndKind.CAPACITY, why, reason="capacity")
    if "ECS" in service or error == "States.Permissions":
        return _callers(
            why, "run-task", "correct the stack's settings and deploy it again", ErrorClass.DEFECT
        )
    return TaskEnd(EndKind.NOT_STARTED, why, reason="not-started")


def _of_task(text: str) -> TaskEnd:
    """The end of a task described as JSON; matched by its words if the JSON is cut off."""
    code, reason = _word(text, "StopCode"), _reasons(text)
    exit_code = _number(text, "ExitCode")
    exit_text = f", exit code {exit_code}" if exit_code is not None else ""
    about = ": ".join(part for part in (f"{code}{exit_text}".strip(", "), reason) if part)
    why = _cut(f"the task stopped, {about}" if about else "the task stopped, and AWS gives no reason")
    if code in _STOPPED_BY_AWS:
        return _ran(EndKind.INTERRUPTED, why, exit_code, text)
    # If a container ran, the wording describes its own failure.
    words = "" if exit_code is not None else _reasons(text) or text
    fault = _fault_of(words)
    if fault:
        return _callers(why, fault.reason, fault.advice)
    if exit_code is None and (_CAPACITY.search(words) or _RATE.search(words)):
        kind = EndKind.CAPACITY if _CAPACITY.search(words) else EndKind.RATE
        return TaskEnd(kind, why, reason=kind.value)
    if code == "TaskFailedToStart":
        return TaskEnd(EndKind.NOT_STARTED, why, reason="not-started")
    return _ran(EndKind.RAN, why, exit_code, text)


def _ran(kind: EndKind, why: str, exit_code: int | None, text: str) -> TaskEnd:
    return TaskEnd(
        kind,
        why,
        exit_code=exit_code,
        id=_word(text, "TaskArn").rpartition("/")[2],
        started=_time(text, "PullStartedAt") or _time(text, "StartedAt") or _time(text, "CreatedAt"),
        finished=_time(text, "StoppedAt") or _time(text, "ExecutionStoppedAt"),
    )


def _callers(why: str, reason: str, advice: str, error_class: ErrorClass = ErrorClass.REFUSED) -> TaskEnd:
    return TaskEnd(EndKind.CALLER, f"{why}; {advice}", error_class, reason)


def _fault_of(text: str) -> _Fault | None:
    return next((fault for fault in _FAULTS if fault.words.search(text)), None)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _reasons(text: str) -> str:
    """Reasons why a task and its containers stopped; other fields have misleading words (`HealthStatus: UNKNOWN`)."""
    reasons = [_word(text, "StoppedReason"), _word(text, "Reason")]
    return "; ".join(part for part in reasons if part)


def _word(text: str, field: str) -> str:
    """A string in JSON that may be cut off within it."""
    found = re.search(rf'"{field}"\s*:\s*"((?:[^"\\]|\\.)*)', text)
    if found is None:
        return ""
    try:
        return str(json.loads(f'"{found[1]}"'))
    except ValueError:
        return found[1]


def _number(text: str, field: str) -> int | None:
    found = re.search(rf'"{field}"\s*:\s*(-?\d+)\b', text)
    return int(found[1]) if found else None


def _time(text: str, field: str) -> datetime | None:
    """A time, which may be in milliseconds (Step Functions), seconds or text."""
    milliseconds = re.search(rf'"{field}"\s*:\s*(\d+(?:\.\d+)?(?:[eE]\+?\d+)?)', text)
    if milliseconds:
        value = float(milliseconds[1])
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    try:
        read = datetime.fromisoformat(_word(text, field))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
