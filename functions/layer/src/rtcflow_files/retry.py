"""The retry policy of every client, and the deadline of its caller.

Only a TransientError is retried. Waits grow exponentially with full jitter, so that tasks that failed together do not
return together, or last as long as the server asks. No wait goes beyond the deadline: a call that would be late fails
at once, while its caller can still report it.
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

_T = TypeVar("_T")
_Sleep = Callable[[float], None]

_deadlines: list[float] = []


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the calls within the block, in all threads, to a number of seconds, such as a Lambda's remaining time."""
    _deadlines.append(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadlines.pop()


def seconds_left() -> float:
    """Seconds until the deadline; infinite if there is none."""
    return min(_deadlines, default=float("inf")) - time.monotonic()


@dataclass(frozen=True)
class Retry:
    """How often to try and how long to wait, in seconds.

    Tests replace the clock and the random numbers: `sleep`, `uniform`, `now`.
    """

    attempts: int = 5
    first_s: float = 1.0
    most_s: float = 30.0
    # A server that asks for a longer wait counts as down.
    longest_asked_s: float = 120.0
    sleep: _Sleep = lambda seconds: time.sleep(seconds)
    uniform: Callable[[float, float], float] = random.uniform
    now: Callable[[], float] = time.monotonic

    def call(self, attempt_once: Callable[[], _T]) -> _T:
        """Call until it succeeds, and return the result.

        Raises
        ------
        TransientError
            Of the last attempt, when none succeeded or the next would come after the deadline.
        """
        attempts = Attempts(self)
        while True:
            try:
                return attempt_once()
            except TransientError as error:
                attempts.again(error)


@dataclass
class Attempts:
    """The attempts at a piece of work of many calls, whose failures count together."""

    retry: Retry
    failed: int = 0

    def again(self, error: TransientError) -> None:
        """Count a failure and wait for the next attempt; raises the error if none is left, or no time."""
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
    """Seconds that a Retry-After header asks for, as a number or a date; None if it cannot be read."""
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
