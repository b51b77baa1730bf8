"""Log lines for what the core made of reported outcomes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeAlias

from pgflow_runtime.worker import logs
from pgflow_runtime.worker.outcome import Completed, Failed
from pgflow_runtime.worker.rows import TaskRow

_Place: TypeAlias = tuple[str, str, int]
_VIOLATION = "[TYPE_VIOLATION] the output is not a list, which the map that depends on it needs"


def note_completions(batch: Sequence[Completed], exceptions: Sequence[TaskRow]) -> None:
    """One line for each result: completed, unless the core returned a row that says otherwise."""
    others = {_place(row): row for row in exceptions}
    if not others and not logs.logger.isEnabledFor(logging.INFO):
        return
    for item in batch:
        other = others.get(_place(item.row))
        if other is None:
            logs.completed(item.row, item.seconds)
        elif other.outcome == "stale":
            logs.stale(item.row)
        else:
            logs.failed(item.row, _VIOLATION, item.seconds)


def note_failures(batch: Sequence[Failed], verdicts: Sequence[TaskRow]) -> None:
    """One line for each failure: retried, failed for good, step skipped, or refused."""
    by_place = {_place(item.row): item for item in batch}
    for row in verdicts:
        item = by_place.get(_place(row))
        if item is None:
            continue
        match row.outcome:
            case "retried":
                logs.retried(row, item.message, item.seconds)
            case "skipped":
                logs.skipped(row, item.message, item.seconds)
            case "stale":
                logs.stale(item.row)
            case _:
                logs.failed(row, item.message, item.seconds)


def _place(row: TaskRow) -> _Place:
    return row.run_id, row.step_slug, row.task_index
