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
_SWEEPS = 40


@dataclass
class Node:
    """A state: `x`, `y` the centre of its upper edge, `floor` the lower edge of its layer; `inner` the graph of a Map.

    Without `type` a passage of an edge.
    """

    name: str
    type: str
    width: float = NODE_WIDTH
    height: float = NODE_HEIGHT
    x: float = 0.0
    y: float = 0.0
    layer: int = 0
    floor: float = 0.0
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
    """Files a state machine's states.

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
    links: dict[str, list[tuple[Node, float]]] = {name: [] for name in every}
    for number, edge in enumerate(graph.edges):
        way = [graph.nodes[edge.start], *passages[number], graph.nodes[edge.end]]
        for one, other in itertools.pairwise(way):
            weight = _weight(one, other, edge)
            links[one.name].append((other, weight))
            links[other.name].append((one, weight))
    rows: dict[int, list[Node]] = {}
    for node in every.values():
        rows.setdefault(node.layer, []).append(node)
    # First the order within each layer, then, with the order kept, straight lines.
    for sweep in range(2 * _SWEEPS):
        for layer in sorted(rows, reverse=bool(sweep % 2)):
            _settle(rows[layer], links, ordering=sweep < _SWEEPS)
    left = min(node.x - node.width / 2 for node in every.values())
    graph.width = max(node.x + node.width / 2 for node in every.values()) - left
    y = 0.0
    for layer in sorted(rows):
        tall = max(node.height for node in rows[layer])
        for node in rows[layer]:
            node.x -= left
            node.y, node.floor = y, y + tall
            if not node.type:
                node.height = tall
        y += tall + _GAP_Y
    graph.height = y - _GAP_Y
    for number, edge in enumerate(graph.edges):
        edge.points = _points(edge, graph.nodes, passages[number])


def _weight(one: Node, other: Node, edge: Edge) -> float:
    """How strongly two places ask to stand below each other: passages most, so that long edges are straight."""
    if not one.type and not other.type:
        return 6.0
    return 0.3 if edge.catch or edge.back else 4.0 if one.type and other.type else 0.6


def _settle(row: list[Node], links: Mapping[str, list[tuple[Node, float]]], *, ordering: bool) -> None:
    """Draw each towards those it is linked with, as near as the places beside it allow."""
    wishes: dict[str, tuple[float, float]] = {}
    for node in row:
        pulls = [(other.x, 1.0 if ordering else weight) for other, weight in links[node.name]] or [
            (node.x, 1.0)
        ]
        total = sum(weight for _, weight in pulls)
        wishes[node.name] = sum(x * weight for x, weight in pulls) / total, total
    if ordering:
        row.sort(key=lambda node: wishes[node.name][0])
    offsets = [0.0]
    for before, node in itertools.pairwise(row):
        offsets.append(offsets[-1] + (before.width + node.width) / 2 + _GAP_X)
    wanted = [wishes[node.name][0] - offset for node, offset in zip(row, offsets, strict=True)]
    places = _increasing(wanted, [wishes[node.name][1] for node in row])
    for node, place, offset in zip(row, places, offsets, strict=True):
        node.x = place + offset


def _increasing(values: list[float], weights: list[float]) -> list[float]:
    """Values that never fall, nearest to the given ones by weighted squares: pool adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, heavy, count = value, weight, 1
        while pools and pools[-1][0] > mean:
            before, its, number = pools.pop()
            mean = (before * its + mean * heavy) / (its + heavy)
            heavy, count = heavy + its, count + number
        pools.append((mean, heavy, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def _points(edge: Edge, nodes: Mapping[str, Node], way: list[Node]) -> list[tuple[float, float]]:
    start, end = nodes[edge.start], nodes[edge.end]
    if edge.back:
        between = [point for node in way for point in ((node.x, node.floor), (node.x, node.y))]
        return [(start.x, start.y), *between, (end.x, end.y + end.height)]
    between = [point for node in way for point in ((node.x, node.y), (node.x, node.y + node.height))]
    # Straight down to the layer's end first: a taller state may stand beside it.
    return [(start.x, start.y + start.height), (start.x, start.floor), *between, (end.x, end.y)]
