"""The end of a task's handler: its span, and the completion that a transactional step stores itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from pgflow_runtime.database.arrays import fences, texts
from pgflow_runtime.telemetry import Attempt, Tracing
from pgflow_runtime.worker.protocol.outcome import (
    Completed,
    FailedAttempt,
    Lost,
    Outcome,
    Refused,
    Stored,
    timed_out,
)
from pgflow_runtime.worker.protocol.rows import DUE, TaskRow, task_rows
from pgflow_runtime.worker.tasks.task import Task


def span_of(task: Task, tracing: Tracing) -> AbstractContextManager[Attempt]:
    row = task.row
    ids: dict[str, str | int] = {
        "messaging.destination.name": row.flow_slug,
        "messaging.message.id": str(row.msg_id),
        "pgflow.run_id": row.run_id,
        "pgflow.step_slug": row.step_slug,
        "pgflow.task_index": row.task_index,
        "pgflow.attempt": row.attempt,
    }
    return tracing.attempt(task.trace_context, f"{row.flow_slug}.{row.step_slug}", ids)


def traced(span: Attempt, task: Task, outcome: Outcome) -> Outcome:
    """The outcome, after its span says whether it is a failure."""
    if task.ending == "timeout":
        span.failed(timed_out(task.row, task.seconds).message)
    elif isinstance(outcome, Lost) or (isinstance(outcome, FailedAttempt) and outcome.retry_after is None):
        span.failed(outcome.message)
    elif isinstance(outcome, Refused):
        span.failed(f"Stale: {outcome.reason or 'the core refused the result'}; its writes were rolled back")
    return outcome


class NotStored(Exception):
    """The core did not store the completion; raised to roll the handler's writes back."""

    def __init__(self, row: TaskRow, output: str) -> None:
        self.row = row
        self.output = output


def completion(row: TaskRow, output: str) -> tuple[Any, ...]:
    return (*fences([row.fence]), texts([output]), 0, "{}")


def milliseconds(seconds: float | None) -> int | None:
    """What a loop asks to wait, as the core takes it."""
    return None if seconds is None else round(seconds * 1000)


def demand_stored(rows: list[tuple[Any, ...]], output: str) -> None:
    """Raises NotStored where the core says that it did not."""
    for row in task_rows(rows):
        if row.outcome != DUE:
            raise NotStored(row, output)


def stored(task: Task, output: str | None) -> Outcome:
    """Stored, unless the handler raised ``psycopg.Rollback``, which ends a transaction without a word."""
    if output is None:
        return FailedAttempt(task.row, "Rollback: the handler rolled its transaction back", task.seconds)
    return Stored(task.row, task.seconds)


def not_stored(task: Task, refusal: NotStored) -> Outcome:
    """Stale: nothing to do, but where an undo waits to hear what was done: its report was rolled back too.

    A type violation was rolled back with the writes: report it by itself.
    """
    if refusal.row.outcome == "stale" and task.step.is_undoable:
        message = "Stale: this attempt counts no more; its writes were rolled back"
        return FailedAttempt(task.row, message, task.seconds, retryable=False)
    if refusal.row.outcome == "stale":
        return Refused(task.row, task.seconds, refusal.row.why_cancelled)
    return Completed(task.row, refusal.output, task.seconds)
