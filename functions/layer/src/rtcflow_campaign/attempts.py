"""The attempts at a scene, which are numbered executions, and what to do after them."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from rtcflow_cloud.executions import RUNNING, SUCCEEDED, Execution
from rtcflow_contract.execution_name import attempt_name

# A wait adds ten events to a child's history, which holds 25,000. A pause may last nine days and a wait for an orbit
# 33, so waits become longer after some hours.
_MOST_WAITS = 2200
PAUSED_WAIT_S, RUNNING_WAIT_S, LONG_RUNNING_WAIT_S = 360, 60, 1800
_SHORT_WAITS = 300


class Decision(StrEnum):
    """What a campaign does with a scene next; `done`, `failed` and `left` are final."""

    RUN = "run"
    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"
    LEFT = "left"


class Attempt(NamedTuple):
    """An execution of a scene; None if it never started, or Step Functions forgot it after 90 days."""

    name: str
    execution: Execution | None


def attempts_at(name: str, describe: Callable[[str], Execution | None], known: int = 0) -> Iterator[Attempt]:
    """Attempts at a scene by number, up to the first that was not started.

    Parameters
    ----------
    name : str
    describe : callable
        Returns an execution; None if it does not exist or was forgotten.
    known : int
        Number of recorded attempts, which Step Functions may have forgotten.
    """
    number = 0
    found: Execution | None = Execution(RUNNING, {})
    while found is not None or number <= known:
        number += 1
        attempt = attempt_name(name, number)
        found = describe(attempt)
        yield Attempt(attempt, found)


class Next(NamedTuple):
    """A decision, its attempt, the attempt to remember as seen, and seconds until the next look.

    `why` says why a scene is not retried.
    """

    decision: Decision
    attempt: str
    seen: str | None = None
    wait_s: int = 0
    why: str = ""


def decide(
    attempts: list[Attempt],
    *,
    seen: str | None,
    whole: Callable[[str], bool],
    refused: Callable[[], bool],
    most: int,
    paused: Callable[[], bool],
    waits: int,
) -> Next:
    """Decide what to do with a scene.

    Parameters
    ----------
    attempts : list of Attempt
        From `attempts_at`; the last one was not started.
    seen : str or None
        The attempt that this start of the campaign ran or waited for; if it failed, the scene failed.
    whole : callable
        Whether all products that a successful attempt reported still exist with the requested settings.
    refused : callable
        Whether the last attempt was refused and would be again.
    most : int
        Most attempts, over all starts of the campaign.
    paused : callable
        Whether the campaign is paused.
    waits : int
        Number of waits for the scene in this start of the campaign.
    """
    for attempt in attempts:
        status = attempt.execution.status if attempt.execution else None
        if status == RUNNING:
            wait_s = RUNNING_WAIT_S if waits < _SHORT_WAITS else LONG_RUNNING_WAIT_S
            return Next(Decision.WAIT, attempt.name, attempt.name, wait_s)
        if status == SUCCEEDED and (attempt.name == seen or whole(attempt.name)):
            return Next(Decision.DONE, attempt.name)
        if attempt.name == seen:
            return Next(Decision.FAILED, attempt.name)
    *before, following = (attempt.name for attempt in attempts)
    if len(before) >= most:
        return Next(Decision.FAILED, before[-1], why=f"given up after {len(before)} attempts")
    if before and refused():
        return Next(Decision.FAILED, before[-1], why="refused before, and not tried again unless asked")
    if not paused():
        return Next(Decision.RUN, following, following)
    if waits >= _MOST_WAITS:
        return Next(Decision.LEFT, following)
    return Next(Decision.WAIT, following, seen, PAUSED_WAIT_S)
