"""A clock that advances only when somebody sleeps."""

from rtcflow_files.retry import Retry


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def now(self) -> float:
        return sum(self.slept)

    def retry(self, **changes: float) -> Retry:
        """Waits by this clock, as long as it may."""
        return Retry(sleep=self.sleep, uniform=lambda low, high: high, now=self.now, **changes)
