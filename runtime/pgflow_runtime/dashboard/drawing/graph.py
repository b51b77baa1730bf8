"""A flow's graph as boxes and curves with coordinates in pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pgflow_runtime.dashboard.drawing.layers import Place, lay_out

BOXES = {"right": (188, 58), "down": (140, 54)}
"""Width and height of a step's box."""
FITS = {"right": 1650, "down": 480}
"""A picture up to this width shrinks to the room there is; a wider one is scrolled."""
GAPS = {"right": (56, 22), "down": (34, 14)}
"""Room between layers, and between the boxes of one."""
MARGIN = 8
ARROW = 7
LARGEST = 400
"""Steps that are drawn; a picture of more is no picture."""


@dataclass(frozen=True, slots=True)
class Box:
    slug: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Curve:
    source: str
    target: str
    path: str
    """SVG path data."""
    head: str
    """SVG polygon points of the arrow's head."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing: ``direction`` is "right" or "down"."""

    direction: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]

    @property
    def is_fitting(self) -> bool:
        """Whether it can be shrunk to the page and read all the same."""
        return self.width <= FITS[self.direction]


def draw(dependencies: Mapping[str, Sequence[str]], direction: str = "right") -> Picture | None:
    """The picture of a graph, its layers from left to right or from top to bottom; None: it is too large."""
    if len(dependencies) > LARGEST:
        return None
    layers = lay_out(dependencies)
    right = direction == "right"
    box = BOXES[direction]
    along, across = box if right else (box[1], box[0])
    gap_along, gap_across = GAPS[direction]

    def center(place: Place) -> tuple[float, float]:
        u = MARGIN + place.layer * (along + gap_along) + along / 2
        v = MARGIN + place.position * (across + gap_across) - gap_across / 2
        return (u, v) if right else (v, u)

    boxes = []
    for place in layers.places:
        x, y = center(place)
        assert place.slug is not None
        boxes.append(Box(place.slug, round(x - box[0] / 2), round(y - box[1] / 2), *box))
    curves = []
    for route in layers.routes:
        points = [center(place) for place in route.places]
        start, end = points[0], points[-1]
        if right:
            points[0] = (start[0] + along / 2, start[1])
            points[-1] = (end[0] - along / 2 - ARROW, end[1])
        else:
            points[0] = (start[0], start[1] + along / 2)
            points[-1] = (end[0], end[1] - along / 2 - ARROW)
        curves.append(Curve(route.source, route.target, _path(points, right), _head(points[-1], right)))
    long = 2 * MARGIN + layers.depth * along + max(layers.depth - 1, 0) * gap_along
    broad = round(2 * MARGIN + layers.breadth * (across + gap_across) - gap_across)
    width, height = (long, broad) if right else (broad, long)
    return Picture(direction, width, height, tuple(boxes), tuple(curves))


def _path(points: Sequence[tuple[float, float]], right: bool) -> str:
    parts = [f"M{points[0][0]:.0f} {points[0][1]:.1f}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        if right:
            middle = (x1 + x2) / 2
            parts.append(f"C{middle:.0f} {y1:.1f} {middle:.0f} {y2:.1f} {x2:.0f} {y2:.1f}")
        else:
            middle = (y1 + y2) / 2
            parts.append(f"C{x1:.1f} {middle:.0f} {x2:.1f} {middle:.0f} {x2:.1f} {y2:.0f}")
    return "".join(parts)


def _head(end: tuple[float, float], right: bool) -> str:
    x, y = end
    corners = (
        [(x, y - ARROW / 2), (x + ARROW, y), (x, y + ARROW / 2)]
        if right
        else [(x - ARROW / 2, y), (x, y + ARROW), (x + ARROW / 2, y)]
    )
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
