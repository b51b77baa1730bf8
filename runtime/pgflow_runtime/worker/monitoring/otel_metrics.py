"""A worker's numbers through OpenTelemetry's metrics, in programs that use them (see ``telemetry``)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgflow_runtime.telemetry import SYSTEM
from pgflow_runtime.worker.dispatch.observer import Observer
from pgflow_runtime.worker.protocol.rows import TaskRow
from pgflow_runtime.worker.tasks.slots import Slots

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation


def otel_observers(slots: Slots) -> list[Observer]:
    """One observer, or none where the program does not use OpenTelemetry."""
    return [OtelMetrics(slots)] if "opentelemetry.metrics" in sys.modules else []


class OtelMetrics:
    """An observer that records with the meter that the program has set up."""

    def __init__(self, slots: Slots) -> None:
        from opentelemetry import metrics

        meter = metrics.get_meter(SYSTEM)
        self._observation = metrics.Observation
        self._slots = slots
        self._tasks = meter.create_counter("pgflow.tasks", "{attempt}", "Attempts at tasks that are over.")
        self._durations = meter.create_histogram("pgflow.task.duration", "s", "How long handlers took.")
        self._calls = meter.create_histogram("pgflow.call.duration", "s", "Round trips to the database.")
        self._batches = meter.create_histogram("pgflow.call.tasks", "{task}", "Tasks that a call moved.")
        meter.create_observable_gauge(
            "pgflow.slots.in_use", [self._in_use], "{slot}", "Places for tasks that are taken."
        )

    def ended(self, row: TaskRow, outcome: str, seconds: float) -> None:
        where = {"flow": row.flow_slug, "step": row.step_slug, "outcome": outcome}
        self._tasks.add(1, where)
        self._durations.record(seconds, where)

    def called(self, call: str, seconds: float, task_count: int) -> None:
        self._calls.record(seconds, {"call": call})
        self._batches.record(task_count, {"call": call})

    def _in_use(self, _options: CallbackOptions) -> Iterable[Observation]:
        for use in ("busy", "reserved", "stuck"):
            yield self._observation(getattr(self._slots, use), {"use": use})
