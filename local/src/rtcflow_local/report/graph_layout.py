"""Places for the states of a state machine: layers from top to bottom, long edges led around, Maps as boxes.

The layered method of Sugiyama, Tagawa and Toda (1981, doi 10.1109/TSMC.1981.4308636): layers by longest path,
places of passage for edges over several layers, order by barycentre.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NODE_WIDTH, NODE_HEIGHT = 196.0, 44.0
_GAP_X, _GAP_Y, _PASSAGE_WIDTH = 22.0, 30.0, 14.0
_BOX_HEAD, _BOX_PAD = 46.0, 16.0
_SWEEPS = 12


@dataclass
class Node:
    """A state: `x`, `y` the centre of its upper edge; `inner` the graph of a Map. Without `type` an edge's passage."""

    name: str
    type: str
    width: float = NODE_WIDTH
    height: float = NODE_HEIGHT
    x: float = 0.0
    y: float = 0.0
    layer: int = 0
    inner: "Graph | None" = None


@dataclass
class Edge:
    """From one state to the next; `points` from its start to its end, `back` when it leads upwards."""

    start: str
    end: str
    catch: bool
    back: bool = False
    points: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Graph:
    """Placed states and edges; the upper left corner is (0, 0)."""

    nodes: dict[str, Node]
    edges: list[Edge]
    width: float = 0.0
    height: float = 0.0


def lay_out(definition: Mapping[str, Any], shown_catches: set[tuple[str, str]] | None = None) -> Graph:
    """Place a state machine's states.

    Parameters
    ----------
    definition : mapping
        Amazon States Language with `StartAt` and `States`.
    shown_catches : set of (state, next), optional
        Catches to draw; None draws all. A state that only a Catch leads to has its edges always.
    """
    states = definition.get("States", {})
    nodes = {name: _node(name, state) for name, state in states.items()}
    edges = _edges(states)
    _mark_back_edges(str(definition.get("StartAt", "")), edges)
    _set_layers(nodes, edges)
    if shown_catches is not None:
        lonely = {e.end for e in edges} - {e.end for e in edges if not e.catch}
        edges = [e for e in edges if not e.catch or (e.start, e.end) in shown_catches or e.end in lonely]
    graph = Graph(nodes, edges)
    passages = _passages(graph)
    _place(graph, passages)
    return graph


def _node(name: str, state: Mapping[str, Any]) -> Node:
    node = Node(name, str(state.get("Type", "")))
    processor = state.get("ItemProcessor") or state.get("Iterator")
    if node.type == "Map" and processor:
        node.inner = lay_out(processor)
        node.width = max(NODE_WIDTH, node.inner.width + 2 * _BOX_PAD)
        node.height = node.inner.height + _BOX_HEAD + _BOX_PAD
    return node


def _edges(states: Mapping[str, Any]) -> list[Edge]:
    found: dict[tuple[str, str], Edge] = {}
    for name, state in states.items():
        plain = [state.get("Next"), state.get("Default"), *(c.get("Next") for c in state.get("Choices", []))]
        for end in plain:
            if end in states:
                found.setdefault((name, end), Edge(name, end, False))
        for catch in state.get("Catch", []):
            if catch.get("Next") in states:
                found.setdefault((name, catch["Next"]), Edge(name, catch["Next"], True))
    return list(found.values())


def _mark_back_edges(start: str, edges: list[Edge]) -> None:
    """Depth-first from the start: an edge to a state that is being visited closes a circle."""
    following: dict[str, list[Edge]] = {}
    for edge in edges:
        following.setdefault(edge.start, []).append(edge)
    visited: set[str] = set()
    open_states: set[str] = set()

    def visit(name: str) -> None:
        visited.add(name)
        open_states.add(name)
        for edge in following.get(name, []):
            edge.back = edge.end in open_states
            if edge.end not in visited:
                visit(edge.end)
        open_states.discard(name)

    visit(start)


def _set_layers(nodes: Mapping[str, Node], edges: list[Edge]) -> None:
    forward = [edge for edge in edges if not edge.back]
    for _ in nodes:
        for edge in forward:
            nodes[edge.end].layer = max(nodes[edge.end].layer, nodes[edge.start].layer + 1)


def _passages(graph: Graph) -> dict[int, list[Node]]:
    """A narrow place in every layer that an edge passes by, in order along the edge."""
    passages: dict[int, list[Node]] = {}
    for number, edge in enumerate(graph.edges):
        upper, lower = sorted((graph.nodes[edge.start].layer, graph.nodes[edge.end].layer))
        layers = range(lower - 1, upper, -1) if edge.back else range(upper + 1, lower)
        passages[number] = [
            Node(f"{number}/{layer}", "", _PASSAGE_WIDTH, 0.0, layer=layer) for layer in layers
        ]
    return passages


def _place(graph: Graph, passages: Mapping[int, list[Node]]) -> None:
    every = {**graph.nodes, **{node.name: node for nodes in passages.values() for node in nodes}}
    links: dict[str, list[Node]] = {name: [] for name in every}
    for number, edge in enumerate(graph.edges):
        way = [graph.nodes[edge.start], *passages[number], graph.nodes[edge.end]]
        for one, other in itertools.pairwise(way):
            links[one.name].append(other)
            links[other.name].append(one)
    rows: dict[int, list[Node]] = {}
    for node in every.values():
        rows.setdefault(node.layer, []).append(node)
    for row in rows.values():
        _spread(row)
    for sweep in range(_SWEEPS):
        for layer in sorted(rows, reverse=bool(sweep % 2)):
            _settle(rows[layer], links)
    left = min(node.x - node.width / 2 for node in every.values())
    graph.width = max(node.x + node.width / 2 for node in every.values()) - left
    y = 0.0
    for layer in sorted(rows):
        tall = max(node.height for node in rows[layer])
        for node in rows[layer]:
            node.x -= left
            node.y = y
            if not node.type:
                node.height = tall
        y += tall + _GAP_Y
    graph.height = y - _GAP_Y
    for number, edge in enumerate(graph.edges):
        edge.points = _points(edge, graph.nodes, passages[number])


def _settle(row: list[Node], links: Mapping[str, list[Node]]) -> None:
    """Draw each to the middle of those it is linked with, then apart as far as needed."""
    wish = {
        n.name: sum(o.x for o in links[n.name]) / len(links[n.name]) if links[n.name] else n.x for n in row
    }
    row.sort(key=lambda node: wish[node.name])
    for node in row:
        node.x = wish[node.name]
    _spread(row)
    # Apart from the first on shifts all to the right; back by what the wishes ask on average.
    shift = sum(wish[node.name] - node.x for node in row) / len(row)
    for node in row:
        node.x += shift


def _spread(row: list[Node]) -> None:
    for before, node in itertools.pairwise(row):
        node.x = max(node.x, before.x + (before.width + node.width) / 2 + _GAP_X)


def _points(edge: Edge, nodes: Mapping[str, Node], way: list[Node]) -> list[tuple[float, float]]:
    start, end = nodes[edge.start], nodes[edge.end]
    if edge.back:
        between = [point for node in way for point in ((node.x, node.y + node.height), (node.x, node.y))]
        return [(start.x, start.y), *between, (end.x, end.y + end.height)]
    between = [point for node in way for point in ((node.x, node.y), (node.x, node.y + node.height))]
    return [(start.x, start.y + start.height), *between, (end.x, end.y)]
