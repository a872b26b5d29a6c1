"""Show an execution's states and bursts live, until it ends."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from rtcflow_contract.errors import TransientError
from rtcflow_contract.report import Outcome
from rtcflow_local.report.execution import Execution, read_execution
from rtcflow_local.report.figures import duration
from rtcflow_local.report.history import BurstRun, StateRun

_MARKS = {True: ("✗", "red"), False: ("✓", "green")}
# Transient troubles in a row after which following ends; the execution itself goes on.
_PATIENCE = 10


def follow(
    client: Any,
    execution_arn: str,
    console: Console,
    *,
    every_s: float = 2.0,
    wait: Callable[[float], None] = time.sleep,
) -> Execution:
    """Show an execution until it ends, on a terminal as a live table, elsewhere a line for each change.

    Parameters
    ----------
    client : boto3 Step Functions client
    execution_arn : str
    console : rich Console
    every_s : float
        Seconds between two looks.
    wait : callable
        Waits the given seconds.

    Returns
    -------
    Execution
        As it ended; its `exit_code` is that of a command.
    """
    show = _Screen(console) if console.is_terminal else _Lines(console)
    with show:
        troubles = 0
        while True:
            try:
                execution = read_execution(client, execution_arn)
            except TransientError:
                troubles += 1
                if troubles >= _PATIENCE:
                    raise
            else:
                troubles = 0
                show.update(execution)
                if execution.ended:
                    break
            wait(every_s)
    style = "red" if execution.exit_code else "green"
    console.print(Text(f"{execution.scene or execution.name} {execution.sentence}", style=style))
    return execution


class _Screen:
    """A table that is drawn anew."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=8, vertical_overflow="visible")

    def __enter__(self) -> "_Screen":
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def update(self, execution: Execution) -> None:
        """Draw."""
        self._live.update(draw(execution, datetime.now(UTC)))


class _Lines:
    """A line for each change, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *error: Any) -> None:
        return None

    def update(self, execution: Execution) -> None:
        """Print what was not printed yet."""
        for line in lines(execution, datetime.now(UTC)):
            if line not in self._told:
                self._told.add(line)
                self._console.print(Text(line), soft_wrap=True)


def lines(execution: Execution, now: datetime) -> list[str]:
    """What happened so far: states entered, bursts' states entered, bursts ended."""
    told = [(state.entered, state.name) for state in execution.passage.states]
    for run in execution.passage.bursts.values():
        told += [(s.entered, f"  {run.burst_id} {s.name}") for s in run.states if s.type == "Task"]
        if run.outcome is not None and run.states[-1].exited:
            why = f" ({run.error_class}): {run.message}" if run.outcome is Outcome.FAILED else ""
            after = duration(run.seconds(now))
            told.append((run.states[-1].exited, f"  {run.burst_id} {run.outcome} after {after}{why}"))
    return [f"{moment:%H:%M:%S} {text}" for moment, text in sorted(told, key=lambda entry: entry[0])]


def draw(execution: Execution, now: datetime) -> RenderableType:
    """The live view: states with times, then bursts."""
    head = Text.assemble(
        (execution.scene or execution.name, "bold"), "  ", (duration(execution.seconds(now)), "dim")
    )
    states = Table.grid(padding=(0, 2))
    for state in execution.passage.states:
        states.add_row(
            _mark(state, execution),
            Text(state.name, style="" if state.exited else "bold"),
            Text(duration(state.seconds(now)) if state.type in ("Task", "Map") else "", style="dim"),
            Text(_counts(execution, state), style="dim"),
        )
    parts: list[RenderableType] = [head, states]
    if execution.passage.bursts:
        parts.append(_bursts(execution, now))
    return Group(*parts)


def _bursts(execution: Execution, now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("", "burst", "product", "state", "time", "tries", ""):
        table.add_column(title, no_wrap=title in ("burst", "product"))
    for state in execution.passage.states:
        for run in execution.passage.within(state.name):
            table.add_row(
                _burst_mark(run, execution),
                run.burst_id,
                Text(run.product.value, style="dim"),
                run.outcome.value if run.outcome else run.states[-1].name,
                duration(run.seconds(now)),
                str(run.attempts),
                Text(run.message, style="red" if run.outcome is Outcome.FAILED else "yellow"),
            )
    return table


def _mark(state: StateRun, execution: Execution) -> RenderableType:
    if state.exited is None and not execution.ended:
        return Spinner("dots", style="cyan")
    cut_off = state.exited is None and state.type != "Succeed"
    bursts_failed = any(run.outcome is Outcome.FAILED for run in execution.passage.within(state.name))
    failed = state.failed or bursts_failed or cut_off
    return Text(*_MARKS[failed])


def _burst_mark(run: BurstRun, execution: Execution) -> RenderableType:
    if run.outcome is None:
        return Text("–", style="dim") if execution.ended else Spinner("dots", style="cyan")
    return Text(*_MARKS[run.outcome is Outcome.FAILED])


def _counts(execution: Execution, state: StateRun) -> str:
    if state.type == "Task":
        return f"{state.attempts} calls" if state.attempts > 1 else ""
    if state.type != "Map":
        return ""
    runs = execution.passage.within(state.name)
    ended = [run for run in runs if run.outcome is not None]
    failed = sum(run.outcome is Outcome.FAILED for run in ended)
    return f"{len(ended)} of {len(runs)} bursts" + (f", {failed} failed" if failed else "")
