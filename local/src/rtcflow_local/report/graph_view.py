"""The state graph with what happened in each state: places from the layout, words and tones from the history."""

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from rtcflow_contract.report import Outcome
from rtcflow_local.report.data import ReportData
from rtcflow_local.report.figures import duration
from rtcflow_local.report.graph_layout import Graph, Node, lay_out
from rtcflow_local.report.history import StateRun

_CORNER = 10.0


class NodeView(NamedTuple):
    """A box: upper left corner, size, `tone` (ok, fail, run, idle), name and a line below it."""

    x: float
    y: float
    width: float
    height: float
    name: str
    type: str
    tone: str
    told: str


class EdgeView(NamedTuple):
    """An SVG path; `taken` when the execution went that way."""

    path: str
    taken: bool
    catch: bool


class GraphView(NamedTuple):
    """Boxes and edges from the outermost inwards, to be drawn in this order."""

    width: float
    height: float
    edges: tuple[EdgeView, ...]
    nodes: tuple[NodeView, ...]


def view_graph(data: ReportData) -> GraphView:
    """The state machine's graph with the execution's way through it."""
    runs: dict[str, list[StateRun]] = {}
    for state in data.execution.passage.states:
        runs.setdefault(state.name, []).append(state)
    taken = set(_steps([state.name for state in data.execution.passage.states]))
    for burst in data.execution.passage.bursts.values():
        taken |= set(_steps([state.name for state in burst.states]))
        for state in burst.states:
            runs.setdefault(state.name, []).append(state)
    graph = lay_out(data.definition, taken)
    nodes: list[NodeView] = []
    edges: list[EdgeView] = []
    _draw(graph, (0.0, 0.0), runs, taken, data, nodes, edges)
    return GraphView(graph.width, graph.height, tuple(edges), tuple(nodes))


def _steps(names: list[str]) -> list[tuple[str, str]]:
    return list(itertools.pairwise(names))


def _draw(
    graph: Graph,
    at: tuple[float, float],
    runs: Mapping[str, list[StateRun]],
    taken: set[tuple[str, str]],
    data: ReportData,
    nodes: list[NodeView],
    edges: list[EdgeView],
) -> None:
    for edge in graph.edges:
        points = [(x + at[0], y + at[1]) for x, y in edge.points]
        edges.append(EdgeView(_curve(points), (edge.start, edge.end) in taken, edge.catch))
    for node in graph.nodes.values():
        x, y = at[0] + node.x - node.width / 2, at[1] + node.y
        passed = runs.get(node.name, [])
        nodes.append(
            NodeView(
                x,
                y,
                node.width,
                node.height,
                node.name,
                node.type,
                _tone(node, passed, data),
                _told(node, passed, data),
            )
        )
        if node.inner is not None:
            inside = (x + (node.width - node.inner.width) / 2, y + node.height - node.inner.height - 16)
            _draw(node.inner, inside, runs, taken, data, nodes, edges)


def _tone(node: Node, passed: list[StateRun], data: ReportData) -> str:
    if not passed:
        return "idle"
    if any(state.exited is None for state in passed) and not data.execution.ended:
        return "run"
    bursts = data.execution.passage.within(node.name)
    failed = any(state.failed for state in passed) or any(b.outcome is Outcome.FAILED for b in bursts)
    # A state that is there for failures tells of one by having been passed.
    return "fail" if failed or node.type == "Fail" or node.name.startswith("Record") else "ok"


def _told(node: Node, passed: list[StateRun], data: ReportData) -> str:
    now: datetime = data.made
    if not passed:
        return ""
    if node.type in ("Choice", "Pass", "Succeed", "Fail"):
        return f"{len(passed)} ×" if len(passed) > 1 else ""
    seconds = [state.seconds(data.execution.stopped or now) for state in passed]
    if node.type == "Map":
        bursts = data.execution.passage.within(node.name)
        failed = sum(burst.outcome is Outcome.FAILED for burst in bursts)
        counted = f"{len(bursts)} burst{'s' * (len(bursts) != 1)}" + (f", {failed} failed" if failed else "")
        return f"{duration(sum(seconds))} · {counted}"
    if len(passed) > 1:
        return f"{len(passed)} × · {duration(min(seconds))} to {duration(max(seconds))}"
    calls = f" · {passed[0].attempts} calls" if passed[0].attempts > 1 else ""
    return f"{duration(seconds[0])}{calls}"


def _curve(points: list[tuple[float, float]]) -> str:
    """A smooth way through points: vertical at each of them."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        half = (y1 - y0) / 2
        path += (
            f"L{x1:.1f} {y1:.1f}"
            if abs(x1 - x0) < 1
            else f"C{x0:.1f} {y0 + half:.1f} {x1:.1f} {y1 - half:.1f} {x1:.1f} {y1:.1f}"
        )
    return path
