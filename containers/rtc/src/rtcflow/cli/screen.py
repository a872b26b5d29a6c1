"""Terminal output of a run: a progress bar for the run and each burst in progress, a line for each that ended."""

import os
import threading
import traceback
from collections.abc import Hashable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column

from rtcflow.progress import Progress
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import BurstOutcome, Outcome

# Rich treats a full bar as finished and stops its clock.
_NOT_YET_FULL = 0.99


class Screen:
    """Prints to the terminal; without bars if the output is not a terminal.

    Parameters
    ----------
    bursts : int
        Number of bursts of the run, including existing ones.
    quiet : bool
        Whether lines go to stderr because stdout has a JSON report.
    """

    def __init__(self, bursts: int, quiet: bool = False) -> None:
        self.console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False, stderr=quiet)
        self.errors = Console(soft_wrap=True, highlight=False, markup=False, emoji=False, stderr=True)
        self._bars = Bars(
            SpinnerColumn(),
            # Where the terminal is narrow, the text takes a second line, and the clock stays.
            TextColumn("{task.fields[name]}  {task.description}", table_column=Column()),
            BarColumn(bar_width=None, table_column=Column(max_width=24)),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(table_column=Column(min_width=7, no_wrap=True)),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._number = bursts
        self._ended: set[Hashable] = set()
        self._lock = threading.Lock()
        self._tasks: dict[int, TaskID] = {}
        self._whole = self._bars.add_task("", total=max(1, bursts), name="all", count=f"0/{bursts}")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begins(self, job: BurstJob) -> Progress:
        """Show a bar for a burst that begins."""
        task = self._bars.add_task("", total=1.0, name=name_of(job), count="")
        with self._lock:
            self._tasks[id(job)] = task

        def report(stage: str, done: float) -> None:
            self._bars.update(task, description=stage, completed=min(done, _NOT_YET_FULL))

        return report

    def ends(self, job: BurstJob, outcome: BurstOutcome, error: BaseException | None) -> None:
        """Replace the bar of a burst that ended by a line."""
        with self._lock:
            task = self._tasks.pop(id(job), None)
        if task is not None:
            self._bars.remove_task(task)
        if outcome.outcome is Outcome.FAILED:
            self.failed(name_of(job), outcome, error)
        self.count(id(job))

    def count(self, burst: Hashable) -> None:
        """Count a burst that ended; a retried one counts once."""
        with self._lock:
            self._ended.add(burst)
            ended = len(self._ended)
        self._bars.update(
            self._whole, completed=min(ended, self._number - 0.01), count=f"{ended}/{self._number}"
        )

    def failed(self, name: str, outcome: BurstOutcome, error: BaseException | None) -> None:
        """Print a line for a burst that failed."""
        if error is not None and os.environ.get("RTCFLOW_DEBUG") == "1":
            self.errors.print("".join(traceback.format_exception(error)), markup=False)
        if self._number > 1:
            kind = outcome.error_class or ErrorClass.DEFECT
            self.complain(f"{name}: {kind.value}: {outcome.message}")

    def made(self, name: str, manifest: Manifest, where: str) -> None:
        """Print lines for a burst that was made."""
        size = sum(file.size for file in manifest.files)
        notes = "".join(f"\n  {note}" for note in manifest.notes)
        used = manifest.resources
        self._say(
            self.console,
            f"{name}: {len(manifest.files)} files, {size / 1e6:.1f} MB, in {used.seconds:.1f} s, at most "
            f"{used.peak_memory_bytes / 1e9:.1f} GB of memory\n  {where}{notes}",
        )

    def skipped(self, name: str, manifest: Manifest, where: str) -> None:
        """Print lines for a burst whose product exists."""
        self._say(
            self.console,
            f"{name}: skipped, a product of {manifest.grid.spacing:g} m by engine {manifest.engine.name} exists "
            f"(--on-existing replace makes it again)\n  {where}",
        )

    def complain(self, text: str) -> None:
        """Print a warning."""
        self._say(self.errors, text, "bold red")

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        self._say(self.console, text, style)

    def _say(self, console: Console, text: str, style: str = "") -> None:
        # Above the bars, if they are shown.
        shown = self._bars.console if self._bars.live.is_started else console
        shown.print(text, style=style, markup=False)


def name_of(job: BurstJob) -> str:
    """Name of a burst for people; its static layers are marked as such."""
    static = job.product is Product.RTC_S1_STATIC and job.linked_static is None
    return f"{job.burst_id} static layers" if static else job.burst_id


def ended_sentence(outcomes: Sequence[BurstOutcome], seconds: float) -> str:
    """`27 bursts: 25 made, 1 skipped, 1 failed, in 3 min 20 s`."""
    counts = ((sum(one.outcome is kind for one in outcomes), kind.value) for kind in Outcome)
    listed = ", ".join(f"{number} {kind}" for number, kind in counts if number)
    return f"{len(outcomes)} bursts: {listed or 'none'}, in {duration(seconds)}"


def duration(seconds: float) -> str:
    """`48 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
