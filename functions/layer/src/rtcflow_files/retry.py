"""When a call is tried again: the one policy of every client, and the time by which its caller must be done.

A call is tried again after a TransientError, never after another. It waits exponentially with full jitter, so that
tasks that failed together do not come back together, or as long as the server asks. No wait reaches beyond the
deadline: what would be late fails at once, while its caller can still say so.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from rtcflow_contract.errors import TransientError

T = TypeVar("T")
Sleep = Callable[[float], None]

_deadlines: list[float] = []


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let every call within the block be done in so many seconds, in whatever thread: a Lambda's remaining time."""
    _deadlines.append(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadlines.pop()


def seconds_left() -> float:
    """Seconds until the deadline; infinite where there is none."""
    return min(_deadlines, default=float("inf")) - time.monotonic()


@dataclass(frozen=True)
class Retry:
    """How often to try and how long to wait, in seconds.

    `sleep`, `uniform` and `now` are the clock and the dice: tests put in their own.
    """

    attempts: int = 5
    first_s: float = 1.0
    most_s: float = 30.0
    # A server that wants longer than this is down for now.
    longest_asked_s: float = 120.0
    sleep: Sleep = lambda seconds: time.sleep(seconds)
    uniform: Callable[[float, float], float] = random.uniform
    now: Callable[[], float] = time.monotonic

    def call(self, attempt_once: Callable[[], T]) -> T:
        """What a call gives, after as many attempts as it takes.

        Raises
        ------
        TransientError
            The last attempt's, when none succeeded or the next would come after the deadline.
        """
        attempts = Attempts(self)
        while True:
            try:
                return attempt_once()
            except TransientError as error:
                attempts.again(error)


@dataclass
class Attempts:
    """The attempts at one piece of work, which may be many calls: their failures together are held to the policy."""

    retry: Retry
    failed: int = 0

    def again(self, error: TransientError) -> None:
        """Count a failure and wait for the next attempt; raises the error where there is none, or no time for it."""
        self.failed += 1
        if self.failed >= self.retry.attempts:
            raise error
        if error.retry_after_s is None:
            longest = min(self.retry.most_s, self.retry.first_s * 2.0 ** (self.failed - 1))
            seconds = self.retry.uniform(0.0, longest)
        else:
            seconds = min(error.retry_after_s, self.retry.longest_asked_s)
        if seconds >= seconds_left():
            raise error
        self.retry.sleep(seconds)


def seconds_of(retry_after: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date; None when it asks for nothing readable."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
