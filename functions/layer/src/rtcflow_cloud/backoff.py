"""Waiting between attempts: exponential with full jitter, or as long as the server says."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Backoff:
    """How often to try and how long to wait, in seconds.

    `sleep`, `uniform` and `now` are the clock and the dice: tests put in their own.
    """

    attempts: int = 5
    first_s: float = 1.0
    most_s: float = 30.0
    # A server that wants longer than this is down for now.
    longest_asked_s: float = 120.0
    sleep: Sleep = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    now: Callable[[], float] = time.monotonic

    def wait(self, attempt: int, retry_after: str | None = None) -> None:
        """Wait after failed attempt number `attempt`, counted from 0."""
        asked = seconds_of(retry_after)
        if asked is None:
            # Full jitter: many tasks that failed together do not come back together.
            self.sleep(self.uniform(0.0, min(self.most_s, self.first_s * 2.0**attempt)))
        else:
            self.sleep(min(asked, self.longest_asked_s))

    def jitter(self, seconds: float) -> None:
        """Wait up to `seconds`."""
        self.sleep(self.uniform(0.0, seconds))


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
