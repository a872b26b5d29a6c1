"""Progress of a burst: a stage's name and how much of it is done."""

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on; `done` goes from 0 to 1 within a stage."""

    def __call__(self, stage: str, done: float) -> None:
        """Take note of progress."""


def silent(stage: str, done: float) -> None:
    """Progress nobody watches."""
