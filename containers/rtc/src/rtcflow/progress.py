"""Progress of a burst: a stage's name and how much of it is done."""

from typing import Protocol

from rtcflow_contract.job import BurstJob
from rtcflow_contract.report import BurstOutcome


class Progress(Protocol):
    """Called as work goes on; `done` goes from 0 to 1 within a stage."""

    def __call__(self, stage: str, done: float) -> None:
        """Report progress."""


def silent(stage: str, done: float) -> None:
    """Ignore progress."""


class Unwatched:
    """A watcher of bursts that reports to nobody."""

    def begins(self, job: BurstJob) -> Progress:
        """Return a progress that is ignored."""
        return silent

    def ends(self, job: BurstJob, outcome: BurstOutcome, error: BaseException | None) -> None:
        """Do nothing."""
