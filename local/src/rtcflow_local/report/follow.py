"""Show an execution's states, tasks and bursts live, until it ends."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from rtcflow_contract.errors import TransientError
from rtcflow_contract.report import Outcome
from rtcflow_local.report.burst_progress import BurstProgress, BurstRecords
from rtcflow_local.report.execution import ExecutionState, read_execution
from rtcflow_local.report.figures import duration
from rtcflow_local.report.history import StateRun

_MARKS = {True: ("✗", "red"), False: ("✓", "green")}
# Consecutive transient errors after which following ends; the execution itself continues.
_PATIENCE = 10


def follow(
    client: Any,
    execution_arn: str,
    console: Console,
    s3: Any = None,
    *,
    every_s: float = 2.0,
    wait: Callable[[float], None] = time.sleep,
) -> ExecutionState:
    """Show an execution until it ends: as a live table on a terminal, else a line for each change.

    Parameters
    ----------
    client : boto3 Step Functions client
    execution_arn : str
    console : rich Console
    s3 : boto3 S3 client, optional
        For reading the records of bursts; without it, only tasks are shown.
    every_s : float
        Seconds between two updates.
    wait : callable
        Waits the given seconds.

    Returns
    -------
    Execution
        The ended execution; its `exit_code` is for the command.
    """
    show = _Screen(console) if console.is_terminal else _Lines(console)
    records = BurstRecords(s3) if s3 is not None else None
    with show:
        troubles = 0
        while True:
            try:
                execution = read_execution(client, execution_arn)
                bursts = records.read(execution.passage.tasks, execution.ended) if records else []
            except TransientError:
                troubles += 1
                if troubles >= _PATIENCE:
                    raise
            else:
                troubles = 0
                show.update(execution, bursts)
                if execution.ended:
                    break
            wait(every_s)
    style = "red" if execution.exit_code else "green"
    console.print(Text(f"{execution.scene or execution.name} {execution.sentence}", style=style))
    return execution


class _Screen:
    """A live table."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=8, vertical_overflow="visible")

    def __enter__(self) -> "_Screen":
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def update(self, execution: ExecutionState, bursts: Sequence[BurstProgress]) -> None:
        """Draw."""
        self._live.update(draw(execution, datetime.now(UTC), bursts))


class _Lines:
    """A line for each change, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed: set[str] = set()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *error: Any) -> None:
        return None

    def update(self, execution: ExecutionState, bursts: Sequence[BurstProgress]) -> None:
        """Print new lines."""
        for line in lines(execution, datetime.now(UTC), bursts):
            if line not in self._printed:
                self._printed.add(line)
                self._console.print(Text(line), soft_wrap=True)


def lines(execution: ExecutionState, now: datetime, bursts: Sequence[BurstProgress] = ()) -> list[str]:
    """Events so far: states entered, including those of tasks, bursts begun and ended."""
    events = [(state.entered, state.name) for state in execution.passage.states]
    for task in execution.passage.tasks.values():
        events += [(s.entered, f"  task {task.number} {s.name}") for s in task.states if s.type == "Task"]
        events += [
            (s.exited, f"  task {task.number} {_end(s)}") for s in task.states if s.failed and s.exited
        ]
    for run in bursts:
        name = f"  {run.burst_id} ({run.product.value})"
        if run.started:
            events.append((run.started, f"{name} begun in task {run.task}"))
        if run.outcome is not None and run.record is not None:
            why = f" ({run.record.error_class}): {run.message}" if run.outcome is Outcome.FAILED else ""
            after = f" after {duration(run.seconds(now))}" if run.started else ""
            events.append((run.finished or execution.started, f"{name} {run.outcome.value}{after}{why}"))
    return [f"{moment:%H:%M:%S} {text}" for moment, text in sorted(events, key=lambda entry: entry[0])]


def _end(state: StateRun) -> str:
    output = state.output if isinstance(state.output, dict) else {}
    ended = output.get("ended")
    error = (ended if isinstance(ended, dict) else output).get("Error", "an error")
    return f"{state.name} ended with {error}"


def draw(execution: ExecutionState, now: datetime, bursts: Sequence[BurstProgress] = ()) -> RenderableType:
    """The live view: states with times, then tasks, then bursts."""
    head = Text.assemble(
        (execution.scene or execution.name, "bold"), "  ", (duration(execution.seconds(now)), "dim")
    )
    states = Table.grid(padding=(0, 2))
    for state in execution.passage.states:
        states.add_row(
            _mark(state, execution, bursts),
            Text(state.name, style="" if state.exited else "bold"),
            Text(duration(state.seconds(now)) if state.type in ("Task", "Map") else "", style="dim"),
            Text(_counts(execution, state, bursts), style="dim"),
        )
    parts: list[RenderableType] = [head, states]
    if execution.passage.tasks:
        parts.append(_tasks(execution, now))
    if bursts:
        parts.append(_bursts(execution, now, bursts))
    return Group(*parts)


def _tasks(execution: ExecutionState, now: datetime) -> Table:
    table = _table("", "task", "bursts", "state", "time", "calls", "")
    for task in execution.passage.tasks_in_order():
        ended = task.ended or execution.ended
        table.add_row(
            Text("✓" if task.ended else "–", style="dim") if ended else Spinner("dots", style="cyan"),
            str(task.number),
            str(len(task.burst_ids)),
            "done" if task.ended else task.states[-1].name,
            duration(task.seconds(now)),
            str(task.calls),
            Text("" if task.ended else task.why, style="yellow"),
        )
    return table


def _bursts(execution: ExecutionState, now: datetime, bursts: Sequence[BurstProgress]) -> Table:
    table = _table("", "burst", "product", "task", "state", "time", "tries", "")
    for run in bursts:
        table.add_row(
            _burst_mark(run, execution),
            run.burst_id,
            Text(run.product.value, style="dim"),
            str(run.task),
            run.state,
            duration(run.seconds(now)) if run.started else "",
            str(run.attempts),
            Text(run.message, style="red" if run.outcome is Outcome.FAILED else "yellow"),
        )
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, no_wrap=title in ("burst", "product", "task"))
    return table


def _mark(state: StateRun, execution: ExecutionState, bursts: Sequence[BurstProgress]) -> RenderableType:
    if state.exited is None and not execution.ended:
        return Spinner("dots", style="cyan")
    cut_off = state.exited is None and state.type != "Succeed"
    bursts_failed = state.type == "Map" and any(run.outcome is Outcome.FAILED for run in bursts)
    return Text(*_MARKS[state.failed or bursts_failed or cut_off])


def _burst_mark(run: BurstProgress, execution: ExecutionState) -> RenderableType:
    if run.outcome is None:
        idle = execution.ended or not run.in_hand
        return Text("–", style="dim") if idle else Spinner("dots", style="cyan")
    return Text(*_MARKS[run.outcome is Outcome.FAILED])


def _counts(execution: ExecutionState, state: StateRun, bursts: Sequence[BurstProgress]) -> str:
    if state.type == "Task":
        return f"{state.attempts} calls" if state.attempts > 1 else ""
    if state.type != "Map":
        return ""
    tasks = execution.passage.tasks.values()
    whole = len(bursts) or sum(len(task.burst_ids) for task in tasks)
    ended = [run for run in bursts if run.outcome is not None]
    failed = sum(run.outcome is Outcome.FAILED for run in ended)
    of_tasks = f" in {len(tasks)} task{'s' if len(tasks) != 1 else ''}"
    return f"{len(ended)} of {whole} bursts{of_tasks}" + (f", {failed} failed" if failed else "")
