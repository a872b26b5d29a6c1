"""Progress on a terminal: one line a burst."""

import sys
from types import TracebackType

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class ProgressBar:
    """A line with the burst, its stage and the time; silent where the output is no terminal."""

    def __init__(self, burst_id: str) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[burst_id]}  {task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            transient=True,
            disable=not sys.stdout.isatty(),
        )
        self._task = self._bar.add_task("", total=1.0, burst_id=burst_id)

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, stage: str, done: float) -> None:
        """Show a stage and how much of it is done."""
        self._bar.update(self._task, description=stage, completed=done)
