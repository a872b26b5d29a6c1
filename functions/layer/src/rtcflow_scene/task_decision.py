"""Decide what follows a call of RunTask: the task is done or runs again after a wait. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from rtcflow_contract.errors import EXIT_CODES, ErrorClass
from rtcflow_contract.request import Compute
from rtcflow_scene.task_end import EndKind, TaskEnd
from rtcflow_scene.task_run import TaskRun, Usage

# A task ends after this many consecutive containers without a further burst.
_MOST_TRIES = 4
# First pauses, s, doubled up to the longest: after a container, without capacity, and after throttling.
_PAUSES = {EndKind.CAPACITY: 60.0, EndKind.RATE: 15.0}
_PAUSE_S = 30.0
_LONGEST_PAUSE_S = 1800.0
# Minimum that is billed for a started container.
_LEAST_BILLED_S = 60.0
_OLD_IMAGE = (
    "the container left without reading its task (exit code 65): its image is older than this stack, or another "
    "program; push the image of the stack's version and start the scene again"
)


class NextRun(NamedTuple):
    """`run` to start after `wait_s`; if it is None, the failure of the remaining bursts."""

    run: TaskRun | None
    usage: Usage
    wait_s: int = 0
    error_class: ErrorClass = ErrorClass.TRANSIENT
    reason: str = ""
    message: str = ""


def decide(run: TaskRun, end: TaskEnd, *, left: int, begun: bool, now: datetime, share: float) -> NextRun:
    """Decide what follows a call of RunTask.

    Parameters
    ----------
    run : TaskRun
        The call that ended.
    end : TaskEnd
    left : int
        Jobs without an outcome, or with a transient one.
    begun : bool
        Whether this container left a record of any burst.
    now : datetime
        UTC.
    share : float
        Random number from 0 to 1: the pause is between half and all of its length, so that tasks spread out.
    """
    usage = _used(run, end, now)
    if left == 0:
        return NextRun(None, usage)
    failure = _failure(end, begun)
    if failure is not None:
        return NextRun(None, usage, 0, *failure)
    following, pause = (
        _after_container(run, end, left) if not _waits(end) else _after_wait(run, end, left, now)
    )
    stop = _why_stop(run, following, end, now)
    if stop:
        return NextRun(None, usage, 0, ErrorClass.TRANSIENT, end.reason, f"{stop}: {end.why}")
    wait_s = round(min(pause, _LONGEST_PAUSE_S) * (0.5 + share / 2))
    return NextRun(following.model_copy(update={"usage": usage}), usage, max(1, wait_s))


def _failure(end: TaskEnd, begun: bool) -> tuple[ErrorClass, str, str] | None:
    """What a person has to fix before another call can succeed."""
    if end.kind is EndKind.CALLER:
        return end.error_class, end.reason, end.why
    code = end.exit_code
    if end.kind is not EndKind.RAN or begun or code is None:
        return None
    if code == EXIT_CODES[ErrorClass.REFUSED]:
        return ErrorClass.REFUSED, "old-image", _OLD_IMAGE
    # Above 128: ended by a signal.
    if code in (0, EXIT_CODES[ErrorClass.TRANSIENT]) or code > 128:
        return None
    return ErrorClass.DEFECT, "task", f"{end.why}; it began no burst: read the task's log"


def _waits(end: TaskEnd) -> bool:
    return end.kind in (EndKind.CAPACITY, EndKind.RATE, EndKind.INTERRUPTED)


def _after_container(run: TaskRun, end: TaskEnd, left: int) -> tuple[TaskRun, float]:
    progress = run.left is not None and left < run.left
    tries = 1 if progress else run.tries + 1
    compute = Compute.ON_DEMAND if end.kind is EndKind.NOT_STARTED else run.compute
    following = run.next_round(
        attempt=run.attempt + 1, tries=tries, left=left, waits=0, waiting_since=None, compute=compute
    )
    return following, _PAUSE_S * 2 ** (tries - 1)


def _after_wait(run: TaskRun, end: TaskEnd, left: int, now: datetime) -> tuple[TaskRun, float]:
    following = run.next_round(
        attempt=run.attempt + end.ran,
        left=left,
        waits=run.waits + 1,
        waiting_since=run.waiting_since or now,
        compute=run.compute if end.kind is EndKind.RATE else Compute.ON_DEMAND,
    )
    return following, _PAUSES.get(end.kind, _PAUSE_S) * 2**run.waits


def _why_stop(run: TaskRun, following: TaskRun, end: TaskEnd, now: datetime) -> str:
    """Why a task does not run again although bursts are left; empty if it does."""
    if run.round >= run.most_rounds:
        return f"given up after {run.round} calls, more would not fit into the execution's history"
    if following.tries >= _MOST_TRIES and not _waits(end):
        return f"given up after {following.tries} tries that made no further burst"
    since = following.waiting_since
    if since is not None and now - since >= timedelta(seconds=run.capacity_wait_s):
        return f"given up after {(now - since).total_seconds() / 3600:.1f} hours of waiting"
    return ""


def _used(run: TaskRun, end: TaskEnd, now: datetime) -> Usage:
    """Billed usage of a task's containers, including the one that ended."""
    before = run.usage
    if not end.ran:
        return before
    finished = end.finished or now
    seconds = max(_LEAST_BILLED_S, (finished - end.started).total_seconds()) if end.started else 0.0
    spot = run.compute is Compute.SPOT
    return Usage(
        id=end.id or before.id,
        attempts=before.attempts + 1,
        spot_s=before.spot_s + (seconds if spot else 0.0),
        on_demand_s=before.on_demand_s + (0.0 if spot else seconds),
        started=before.started or end.started,
        finished=finished,
    )
