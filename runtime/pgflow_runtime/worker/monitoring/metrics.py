"""What a worker process counts about itself. Numbers only; ``exposition`` makes them a text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from pgflow_runtime.worker.protocol.rows import TaskRow

HANDLER_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
)  # fmt: skip
CALL_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
BATCH_TASKS: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


class Histogram:
    """Counts by upper bound, as Prometheus has it; the last count is of what is above all bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Metrics:
    """An observer that counts. Written in the event loop; other threads may read."""

    def __init__(self) -> None:
        self.tasks: dict[tuple[str, str, str], int] = {}
        """By flow, step and outcome."""
        self.durations: dict[tuple[str, str], Histogram] = {}
        """Seconds of the handlers by flow and step."""
        self.calls: dict[str, Histogram] = {}
        """Seconds of the round trips by call."""
        self.batches: dict[str, Histogram] = {}
        """Tasks a call moved, by call."""

    def ended(self, row: TaskRow, outcome: str, seconds: float) -> None:
        key = (row.flow_slug, row.step_slug, outcome)
        self.tasks[key] = self.tasks.get(key, 0) + 1
        durations = self.durations.get(key[:2])
        if durations is None:
            durations = self.durations[key[:2]] = Histogram(HANDLER_SECONDS)
        durations.observe(seconds)

    def called(self, call: str, seconds: float, task_count: int) -> None:
        if call not in self.calls:
            self.calls[call] = Histogram(CALL_SECONDS)
            self.batches[call] = Histogram(BATCH_TASKS)
        self.calls[call].observe(seconds)
        self.batches[call].observe(task_count)
