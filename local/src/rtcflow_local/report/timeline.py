"""Timeline of states, tasks and bursts, as bars in percent of the execution's time."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from rtcflow_contract.report import Outcome
from rtcflow_local.report.data import BurstDetail, ReportData
from rtcflow_local.report.figures import duration
from rtcflow_local.report.history import StateRun, TaskHistory

_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)


class Bar(NamedTuple):
    """A bar: `left` and `width` in percent; `kind` is a tone, `title` the tooltip."""

    left: float
    width: float
    kind: str
    title: str


class Row(NamedTuple):
    """A row of the timeline; `href` links to a burst's card."""

    label: str
    bars: tuple[Bar, ...]
    text: str
    href: str = ""


class Timeline(NamedTuple):
    """Rows of states, tasks and bursts, and ticks as (percent, text)."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]


class _Axis(NamedTuple):
    start: datetime
    end: datetime

    @property
    def whole(self) -> float:
        return max((self.end - self.start).total_seconds(), 0.001)

    def bar(self, name: str, begun: datetime, seconds: float, kind: str) -> Bar:
        left = 100 * (begun - self.start).total_seconds() / self.whole
        title = f"{name}: {duration(seconds)}, from {begun:%H:%M:%S}"
        return Bar(max(0.0, left), max(100 * seconds / self.whole, 0.15), kind, title)


def make_timeline(data: ReportData) -> Timeline:
    """Bars of the states that take time; the Map is followed by its tasks, and each task by its bursts."""
    axis = _Axis(data.execution.started, data.execution.stopped or data.made)
    rows: list[Row] = []
    for state in data.execution.passage.states:
        if state.type not in ("Task", "Map", "Wait"):
            continue
        kind = "fail" if state.failed else "map" if state.type == "Map" else "task"
        rows.append(Row(state.name, (_bar(state, axis, kind),), duration(state.seconds(axis.end))))
        if state.type == "Map":
            rows += _tasks(data, axis)
    step = next((s for s in _TICKS if axis.whole / s <= 8), _TICKS[-1])
    ticks = tuple(
        (100 * i * step / axis.whole, _tick(i * step, step)) for i in range(int(axis.whole / step) + 1)
    )
    return Timeline(tuple(rows), ticks)


def _tasks(data: ReportData, axis: _Axis) -> Iterable[Row]:
    for task in data.execution.passage.tasks_in_order():
        yield Row(f"task {task.number}", _bars(task, axis), duration(task.seconds(axis.end)))
        for burst in data.bursts:
            if burst.run is not None and burst.run.task == task.number and burst.run.started:
                yield _burst(burst, axis)


def _burst(burst: BurstDetail, axis: _Axis) -> Row:
    run = burst.run
    assert run is not None and run.started is not None  # noqa: PT018 - the caller checks both
    seconds = run.seconds(axis.end)
    kind = "fail" if burst.record.outcome is Outcome.FAILED and not burst.under_way else "burst"
    bar = axis.bar(burst.record.burst_id, run.started, seconds, kind)
    return Row(burst.record.burst_id, (bar,), duration(seconds), f"#{burst.key}")


def _bars(task: TaskHistory, axis: _Axis) -> tuple[Bar, ...]:
    kinds = {"Wait": "wait", "Task": "task"}
    return tuple(
        _bar(state, axis, "fail" if state.failed else kinds[state.type])
        for state in task.states
        if state.type in kinds
    )


def _bar(state: StateRun, axis: _Axis, kind: str) -> Bar:
    return axis.bar(state.name, state.entered, state.seconds(axis.end), kind)


def _tick(seconds: int, step: int) -> str:
    """A time in the unit of the axis."""
    size, unit = (1, "s") if step < 60 else (60, "min") if step < 3600 else (3600, "h")
    return f"{seconds // size} {unit}"
