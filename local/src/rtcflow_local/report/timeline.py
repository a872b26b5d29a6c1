"""When each state and burst ran, as bars on a common axis in percent of the execution's time."""

from datetime import datetime
from typing import NamedTuple

from rtcflow_contract.report import Outcome
from rtcflow_local.report.data import ReportData
from rtcflow_local.report.figures import duration
from rtcflow_local.report.history import BurstRun, StateRun

_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)


class Bar(NamedTuple):
    """A stretch of time: `left` and `width` in percent; `kind` is a tone, `title` what hovering tells."""

    left: float
    width: float
    kind: str
    title: str


class Row(NamedTuple):
    """A line of the timeline; `href` leads to a burst's card."""

    label: str
    bars: tuple[Bar, ...]
    told: str
    href: str = ""


class Timeline(NamedTuple):
    """Rows of states and bursts, and ticks as (percent, text)."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]


def make_timeline(data: ReportData) -> Timeline:
    """Bars of the states that take time, each Map followed by its bursts."""
    start, end = data.execution.started, data.execution.stopped or data.made
    whole = max((end - start).total_seconds(), 0.001)
    keys = {(burst.record.product, burst.record.burst_id): burst.key for burst in data.bursts}
    rows: list[Row] = []
    for state in data.execution.passage.states:
        if state.type not in ("Task", "Map", "Wait"):
            continue
        kind = "fail" if state.failed else "map" if state.type == "Map" else "task"
        rows.append(Row(state.name, (_bar(state, start, end, whole, kind),), duration(state.seconds(end))))
        for run in data.execution.passage.within(state.name):
            key = keys.get((run.product, run.burst_id), "")
            rows.append(
                Row(run.burst_id, _bars(run, start, end, whole), duration(run.seconds(end)), f"#{key}")
            )
    step = next((s for s in _TICKS if whole / s <= 8), _TICKS[-1])
    ticks = tuple((100 * i * step / whole, _tick(i * step)) for i in range(int(whole / step) + 1))
    return Timeline(tuple(rows), ticks)


def _bars(run: BurstRun, start: datetime, end: datetime, whole: float) -> tuple[Bar, ...]:
    kinds = {"Wait": "wait", "Task": "burst"}
    bars = []
    for state in run.states:
        if state.type in kinds:
            lost = state.failed or (run.outcome is Outcome.FAILED and state is run.states[-1])
            bars.append(_bar(state, start, end, whole, "fail" if lost else kinds[state.type]))
    return tuple(bars)


def _bar(state: StateRun, start: datetime, end: datetime, whole: float, kind: str) -> Bar:
    left = 100 * (state.entered - start).total_seconds() / whole
    seconds = state.seconds(end)
    title = f"{state.name}: {duration(seconds)}, from {state.entered:%H:%M:%S}"
    return Bar(max(0.0, left), max(100 * seconds / whole, 0.15), kind, title)


def _tick(seconds: int) -> str:
    if seconds < 60 or seconds % 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 or seconds % 3600 else f"{seconds // 3600} h"
