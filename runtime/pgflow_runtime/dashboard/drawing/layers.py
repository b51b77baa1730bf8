"""A graph in layers (after Sugiyama): a step stands right of everything it depends on.

Edges that cross a layer get a place of their own in it, so that they run between the boxes and not beneath.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 6
"""How often the order within the layers is improved: each time by the mean of the neighbours."""


@dataclass(frozen=True, slots=True)
class Place:
    """A box or a bend: ``slug`` is None for a bend. ``layer`` counts from 0, ``position`` is in boxes."""

    slug: str | None
    layer: int
    position: float


@dataclass(frozen=True, slots=True)
class Route:
    """An edge and the places it passes, both ends included."""

    source: str
    target: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Layers:
    places: tuple[Place, ...]
    """The boxes."""
    routes: tuple[Route, ...]
    depth: int
    breadth: float
    """The widest layer, in boxes."""


_Node = tuple[str, ...]
"""A step, ``(slug,)``, or a bend of an edge, ``(source, target, layer)``."""

BEND = 0.45
"""How much of a box's room a bend takes."""


def lay_out(dependencies: Mapping[str, Sequence[str]]) -> Layers:
    """Places for the steps of a graph without cycles; ``dependencies``: step -> what it depends on."""
    layer_of = _layers(dependencies)
    edges = [
        (source, target)
        for target, sources in dependencies.items()
        for source in sources
        if source in layer_of and layer_of[source] < layer_of[target]
    ]
    chains = {edge: _chain(edge, layer_of) for edge in edges}
    rows: list[list[_Node]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for slug, layer in layer_of.items():
        rows[layer].append((slug,))
    for (source, _), chain in chains.items():
        for offset, node in enumerate(chain[1:-1], start=1):
            rows[layer_of[source] + offset].append(node)
    _arrange(rows, list(chains.values()))
    found = _positions(rows)
    breadth = max((sum(map(_room, row)) for row in rows), default=0.0)
    return Layers(
        places=tuple(place for place in found.values() if place.slug is not None),
        routes=tuple(
            Route(source, target, tuple(found[node] for node in chain))
            for (source, target), chain in chains.items()
        ),
        depth=len(rows),
        breadth=breadth,
    )


def _layers(dependencies: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The longest way from a root, for each step; steps on a cycle (there are none) share the last layer."""
    layer_of: dict[str, int] = {}
    waiting = dict(dependencies)
    while waiting:
        ready = [
            slug
            for slug, sources in waiting.items()
            if all(source in layer_of or source not in dependencies for source in sources)
        ]
        for slug in ready or list(waiting):
            known = [layer_of[source] for source in waiting.pop(slug) if source in layer_of]
            layer_of[slug] = max(known, default=-1) + 1
    return layer_of


def _chain(edge: tuple[str, str], layer_of: Mapping[str, int]) -> list[_Node]:
    source, target = edge
    between = range(layer_of[source] + 1, layer_of[target])
    return [(source,), *((source, target, str(layer)) for layer in between), (target,)]


def _arrange(rows: list[list[_Node]], chains: Sequence[Sequence[_Node]]) -> None:
    before: dict[_Node, list[_Node]] = {}
    after: dict[_Node, list[_Node]] = {}
    for chain in chains:
        for left, right in pairwise(chain):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        for row in rows if forward else reversed(rows):
            rank = {node: place.position for node, place in _positions(rows).items()}
            middle = {
                node: sum(rank[other] for other in neighbours[node]) / len(neighbours[node])
                if neighbours.get(node)
                else rank[node]
                for node in row
            }
            row.sort(key=lambda node: middle[node])


def _positions(rows: Sequence[Sequence[_Node]]) -> dict[_Node, Place]:
    """Every layer centred beside the widest."""
    breadth = max((sum(map(_room, row)) for row in rows), default=0.0)
    found: dict[_Node, Place] = {}
    for layer, row in enumerate(rows):
        at = (breadth - sum(map(_room, row))) / 2
        for node in row:
            room = _room(node)
            found[node] = Place(node[0] if len(node) == 1 else None, layer, at + room / 2)
            at += room
    return found


def _room(node: _Node) -> float:
    return 1.0 if len(node) == 1 else BEND
