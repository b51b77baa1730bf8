"""Plots over time: stacked columns and lines, in pixels of a fixed width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 640, 150
LEFT, TOP, BOTTOM = 52, 10, 22
_NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Column:
    """One part of the time; ``boxes``: (kind, y, height) from the bottom up."""

    x: float
    width: float
    boxes: tuple[tuple[str, float, float], ...]
    index: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A grid line with its value, or a moment on the axis of time."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Moment:
    x: float
    at: datetime
    anchor: str


@dataclass(frozen=True, slots=True)
class Plot:
    columns: tuple[Column, ...]
    lines: tuple[tuple[str, str, tuple[tuple[float, float], ...]], ...]
    """(kind, path data, points)."""
    marks: tuple[Mark, ...]
    moments: tuple[Moment, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = HEIGHT - BOTTOM


def draw_columns(times: Sequence[datetime], series: Sequence[tuple[str, Sequence[float | None]]]) -> Plot:
    """Stacked columns of counts; None: unknown."""
    sums = [sum(values[n] or 0 for _, values in series) for n in range(len(times))]
    top = nice_top(max(sums, default=0))
    room = (WIDTH - LEFT) / max(len(times), 1)
    columns = []
    for n in range(len(times)):
        y = float(HEIGHT - BOTTOM)
        boxes = []
        for kind, values in series:
            height = (values[n] or 0) / top * _plot_height()
            if height > 0:
                height = max(height, 1.5)
                y -= height
                boxes.append((kind, round(y, 1), round(height, 1)))
        columns.append(Column(round(LEFT + n * room + 0.5, 1), round(max(room - 1, 1), 1), tuple(boxes), n))
    whole = tuple(mark for mark in _marks(top) if mark.value.is_integer())  # there is no half a run
    return Plot(tuple(columns), (), whole, _moments(times))


def draw_lines(times: Sequence[datetime], series: Sequence[tuple[str, Sequence[float | None]]]) -> Plot:
    """Lines with gaps where a value is None."""
    top = nice_top(max((value for _, values in series for value in values if value is not None), default=0))
    room = (WIDTH - LEFT) / max(len(times), 1)
    lines = []
    for kind, values in series:
        path, points, is_open = [], [], False
        for n, value in enumerate(values):
            if value is None:
                is_open = False
                continue
            x = round(LEFT + (n + 0.5) * room, 1)
            y = round(HEIGHT - BOTTOM - value / top * _plot_height(), 1)
            path.append(f"{'L' if is_open else 'M'}{x} {y}")
            points.append((x, y))
            is_open = True
        lines.append((kind, "".join(path), tuple(points)))
    return Plot((), tuple(lines), _marks(top), _moments(times))


def nice_top(highest: float) -> float:
    """The next number of the kind 1, 2, 2.5, 5 times a power of ten; 1 for nothing."""
    if highest <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= highest:
        power *= 10
    while power > highest:
        power /= 10
    return next(power * factor for factor in _NICE if power * factor >= highest)


def _plot_height() -> int:
    return HEIGHT - TOP - BOTTOM


def _marks(top: float) -> tuple[Mark, ...]:
    return tuple(
        Mark(round(HEIGHT - BOTTOM - share * _plot_height(), 1), top * share) for share in (0, 0.5, 1)
    )


def _moments(times: Sequence[datetime]) -> tuple[Moment, ...]:
    if not times:
        return ()
    room = (WIDTH - LEFT) / len(times)
    wanted = sorted({0, len(times) // 3, 2 * len(times) // 3, len(times) - 1})
    return tuple(
        Moment(
            round(WIDTH if n == len(times) - 1 else LEFT + n * room, 1),
            times[n],
            "start" if n == 0 else "end" if n == len(times) - 1 else "middle",
        )
        for n in wanted
    )
