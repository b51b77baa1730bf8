"""What the core's set-based functions give back (``pgflow.task_result``), as the worker uses it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

COLUMNS: Final = (
    "outcome, flow_slug, run_id::text, step_slug, task_index, attempt, worker_id::text, msg_id, "
    "input::text, flow_input::text, timeout, delay, max_attempts, trace_context::text, "
    "state::text, round"
)
"""The select list behind ``TaskRow``, in its order; JSON and ids travel as text."""


DUE: Final = "due"
"""Outcome of a row that is about no task: something is due now because of the call."""


class TaskRow(NamedTuple):
    """One task as claimed, or what became of one that was completed or failed.

    ``outcome`` is claimed, stale, retried, failed, skipped, tolerated or completed. ``timeout`` and
    ``delay`` are seconds; ``input``, ``flow_input`` and ``trace_context`` are JSON texts, None where the core
    sent none. Of a stale one ``input`` is the reason. Of a loop ``state`` is the JSON text that the round
    before has left, and ``round`` says which one this is, None for the first. A task that could start no
    child says why in ``input``. A row whose outcome is ``DUE`` has nothing else.
    """

    outcome: str
    flow_slug: str
    run_id: str
    step_slug: str
    task_index: int
    attempt: int
    worker_id: str
    msg_id: int
    input: str | None
    flow_input: str | None
    timeout: int
    delay: int | None
    max_attempts: int | None
    trace_context: str | None = None
    state: str | None = None
    round: int | None = None

    @property
    def fence(self) -> Fence:
        return Fence(self.worker_id, self.run_id, self.step_slug, self.task_index, self.attempt)

    @property
    def why_cancelled(self) -> str | None:
        """Of a result that was refused: what had ended before it, in words; None: it has a stale fence."""
        return json.loads(self.input) if self.outcome == "stale" and self.input is not None else None

    @property
    def why_childless(self) -> str | None:
        """Of a task of a subflow step that started no child: why; None: that is not what happened."""
        return json.loads(self.input) if self.outcome not in ("claimed", "stale") and self.input else None

    @property
    def label(self) -> str:
        return f"{self.flow_slug}/{self.step_slug}[{self.task_index}]"


class Fence(NamedTuple):
    """What identifies one attempt at a task: the core refuses a result whose fence is out of date."""

    worker_id: str
    run_id: str
    step_slug: str
    task_index: int
    attempt: int


def task_rows(rows: Iterable[tuple[Any, ...]]) -> list[TaskRow]:
    return [TaskRow._make(row) for row in rows]
