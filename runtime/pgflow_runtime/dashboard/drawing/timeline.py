"""When the steps and tasks of a run waited and worked: a Gantt chart in thousandths of its width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

WIDTH = 1000
SMALLEST = 3
"""A bar is never narrower, so that it can be seen."""
_TICKS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800,
    3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 7776000, 31536000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """``kind``: waited, earlier (attempts before the last), or the state of what it shows."""

    kind: str
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    is_task: bool
    step_slug: str
    task_index: int | None
    bars: tuple[Bar, ...]
    seconds: float | None
    """From start to end, or to now."""
    attempts: int


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Timeline:
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    seconds: float
    cut: tuple[tuple[str, int, int], ...]
    """Steps of which not all tasks are drawn: the slug, how many are, and how many there are."""

    @property
    def hidden_tasks(self) -> int:
        """Tasks that are not drawn, of steps with many."""
        return sum(total - shown for _, shown, total in self.cut)


class _Scale:
    def __init__(self, start: datetime, end: datetime) -> None:
        self.start = start
        self.seconds = max((end - start).total_seconds(), 0.001)

    def at(self, moment: datetime) -> float:
        share = (moment - self.start).total_seconds() / self.seconds
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    def bar(self, kind: str, start: datetime, end: datetime, title: str) -> Bar:
        x = self.at(start)
        width = max(self.at(end) - x, SMALLEST)
        return Bar(kind, min(x, WIDTH - width), round(width, 1), title)


def draw_timeline(
    run: Mapping[str, Any],
    steps: Iterable[Mapping[str, Any]],
    tasks: Mapping[str, Sequence[Mapping[str, Any]]],
    totals: Mapping[str, int],
    now: datetime,
) -> Timeline:
    """The chart of a run. Times are datetimes; ``tasks``: the first of each step, ``totals``: how many."""
    end = run["ended_at"] or now
    scale = _Scale(run["started_at"], max(end, run["started_at"] + timedelta(milliseconds=1)))
    lines: list[Line] = []
    cut: list[tuple[str, int, int]] = []
    for step in steps:
        found = tasks.get(step["step_slug"], ())
        is_map = step["step_type"] == "map"
        lines.append(_step_line(scale, step, found if not is_map else (), end))
        if is_map:
            lines += [_task_line(scale, step["step_slug"], task, end) for task in found]
            total = totals.get(step["step_slug"], 0)
            cut += [(step["step_slug"], len(found), total)] if total > len(found) else []
    return Timeline(tuple(lines), tuple(_ticks(scale.seconds)), scale.seconds, tuple(cut))


def _step_line(
    scale: _Scale, step: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], end: datetime
) -> Line:
    started = step["started_at"]
    ended = step["ended_at"] or end
    bars: list[Bar] = []
    attempts = 0
    if tasks:
        bars, attempts = _task_bars(scale, tasks[0], end), tasks[0]["attempts_count"]
        if step["status"] == "failed":
            bars = [Bar("failed", b.x, b.width, b.title) if b.kind == "started" else b for b in bars]
    elif started is not None:
        bars = [scale.bar(step["status"], started, ended, step["status"])]
    elif step["status"] == "skipped":
        bars = [scale.bar("skipped", ended, ended, "skipped")]
    seconds = (ended - started).total_seconds() if started is not None else None
    return Line(step["step_slug"], False, step["step_slug"], None, tuple(bars), seconds, attempts)


def _task_line(scale: _Scale, slug: str, task: Mapping[str, Any], end: datetime) -> Line:
    started = task["started_at"]
    seconds = ((task["ended_at"] or end) - started).total_seconds() if started is not None else None
    index = task["task_index"]
    bars = tuple(_task_bars(scale, task, end))
    return Line(f"[{index}]", True, slug, index, bars, seconds, task["attempts_count"])


def _task_bars(scale: _Scale, task: Mapping[str, Any], end: datetime) -> list[Bar]:
    """Waiting, or the earlier attempts, then the last attempt: the database keeps the times of that one."""
    started, ended = task["started_at"], task["ended_at"] or end
    bars = []
    attempts = task["attempts_count"]
    until = started or ended
    if until > task["queued_at"]:
        earlier = attempts - (1 if started is not None else 0)
        again = task.get("again_count") or 0
        kind, title = ("earlier", f"{earlier} earlier attempts") if earlier > again else ("waited", "waited")
        if again and kind == "waited":
            title = f"asked to run again {again} times"
        if kind == "earlier" or scale.at(until) - scale.at(task["queued_at"]) >= SMALLEST:
            bars.append(scale.bar(kind, task["queued_at"], until, title))
    if started is not None:
        is_in_run = task.get("waits_for") == "child"
        kind, word = ("started", "in its run") if is_in_run else (task["status"], task["status"])
        bars.append(scale.bar(kind, started, ended, f"attempt {attempts}: {word}"))
    return bars


def _ticks(seconds: float) -> Iterable[Tick]:
    step = next((tick for tick in _TICKS if seconds / tick <= 6), _TICKS[-1])
    count = int(seconds / step)
    return [Tick(round(n * step / seconds * WIDTH, 1), n * step) for n in range(count + 1)]
