"""What the core made of reported outcomes: a log line each, and word to the observer where there is one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeAlias

from pgflow_runtime.worker import logs
from pgflow_runtime.worker.dispatch.observer import Observer
from pgflow_runtime.worker.protocol.outcome import (
    Completed,
    FailedAttempt,
    Lost,
    Refused,
    RoundEnded,
    Stored,
    Unbegun,
)
from pgflow_runtime.worker.protocol.rows import TaskRow

_Place: TypeAlias = tuple[str, str, int]
_VIOLATION = "[TYPE_VIOLATION] the output is not a list, which the map that depends on it needs"
_LOGGED = ("refused", "unreported")
"""Outcomes that ``core_calls`` has logged, as it knows the reason."""


def log_completions(
    batch: Sequence[Completed], exceptions: Sequence[TaskRow], observer: Observer | None = None
) -> None:
    """Each result: completed, unless there is a row that says otherwise."""
    others = {_place(row): row for row in exceptions}
    if observer is not None:
        for item in batch:
            other = others.get(_place(item.row)) if others else None
            observer.ended(item.row, "completed" if other is None else _outcome(other), item.seconds)
    if not others and not logs.logger.isEnabledFor(logging.INFO):
        return
    for item in batch:
        other = others.get(_place(item.row))
        if other is None:
            logs.completed(item.row, item.seconds)
        elif other.outcome == "stale":
            _log_refused(item.row, other.why_cancelled, item.seconds)
        elif other.outcome not in _LOGGED:
            _log_failed(item.row, other, item.seconds)


def _log_failed(row: TaskRow, other: TaskRow, seconds: float) -> None:
    """A result that failed its task: no map can go over it, or no child could be started with it."""
    reason = other.why_childless
    if reason is None:
        logs.failed(row, _VIOLATION, seconds)
        return
    say = {"retried": logs.retried, "skipped": logs.skipped, "tolerated": logs.tolerated}
    say.get(other.outcome, logs.failed)(other, reason, seconds)


def log_failures(
    batch: Sequence[FailedAttempt], rows: Sequence[TaskRow], observer: Observer | None = None
) -> None:
    """Each failure: retried, asked for again, failed for good, step skipped, or refused."""
    by_place = {_place(item.row): item for item in batch}
    for row in rows:
        item = by_place.get(_place(row))
        if item is None:
            continue
        if observer is not None:
            word = "again" if _asked_again(item, row) else _outcome(row)
            observer.ended(item.row, word, item.seconds)
        match row.outcome:
            case "retried" if _asked_again(item, row):
                logs.polls.asked(row, item.message, item.seconds)
            case "retried":
                logs.retried(row, item.message, item.seconds)
            case "skipped":
                logs.skipped(row, item.message, item.seconds)
            case "tolerated":
                logs.tolerated(row, item.message, item.seconds)
            case "stale":
                _log_refused(item.row, row.why_cancelled, item.seconds)
            case "unreported":
                pass
            case _:
                logs.failed(row, item.message, item.seconds)


def log_rounds(
    batch: Sequence[RoundEnded], exceptions: Sequence[TaskRow], observer: Observer | None = None
) -> None:
    """Each round of a loop: another follows, unless there is a row that says otherwise."""
    others = {_place(row): row for row in exceptions}
    for item in batch:
        other = others.get(_place(item.row))
        if observer is not None:
            observer.ended(item.row, "again" if other is None else _outcome(other), item.seconds)
        if other is None:
            logs.round_ended(item.row, item.delay_ms, item.seconds)
        elif other.outcome == "stale":
            _log_refused(item.row, other.why_cancelled, item.seconds)
        elif other.outcome not in _LOGGED:
            say = {"skipped": logs.skipped, "tolerated": logs.tolerated}.get(other.outcome, logs.failed)
            say(other, "LoopExhausted: that was the last round", item.seconds)


def log_own_commit(outcome: Stored | Refused, observer: Observer | None = None) -> None:
    """A transactional step has spoken to the core itself."""
    if observer is not None:
        observer.ended(outcome.row, _own_word(outcome), outcome.seconds)
    if isinstance(outcome, Stored):
        logs.completed(outcome.row, outcome.seconds)
    else:
        _log_refused(outcome.row, outcome.reason, outcome.seconds)


def log_loss(outcome: Lost, was_given_back: bool | None, observer: Observer | None = None) -> None:
    """A transactional step whose connection was lost; None: the core would hear nothing of it."""
    if observer is not None:
        observer.ended(outcome.row, "unreported" if was_given_back is None else "lost", outcome.seconds)
    if was_given_back is not None:
        logs.lost(outcome.row, outcome.message, outcome.seconds, was_given_back)


def log_unbegun(outcome: Unbegun) -> None:
    """A task that found no room where its handler runs. Nobody counts it: it was no attempt."""
    logs.unbegun(outcome.row, outcome.seconds)


def _asked_again(item: FailedAttempt, row: TaskRow) -> bool:
    """Whether the handler asked to run again later (``RetryAfter``), and will."""
    return row.outcome == "retried" and item.retry_after is not None


def _log_refused(row: TaskRow, reason: str | None, seconds: float) -> None:
    """``reason``: what had ended before the result came."""
    if reason is None:
        logs.stale(row)
    else:
        logs.cancelled(row, reason, seconds)


def _own_word(outcome: Stored | Refused) -> str:
    if isinstance(outcome, Stored):
        return "completed"
    return "stale" if outcome.reason is None else "cancelled"


def _outcome(row: TaskRow) -> str:
    """The outcome by its public name: a result that the database refused is a failed task."""
    if row.why_cancelled is not None:
        return "cancelled"
    return "failed" if row.outcome == "refused" else row.outcome


def _place(row: TaskRow) -> _Place:
    return row.run_id, row.step_slug, row.task_index
