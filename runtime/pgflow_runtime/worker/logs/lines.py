"""The lines that tell what became of a task, and why the worker ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.logs.own_logger import logger
from pgflow_runtime.worker.protocol.failure import headline
from pgflow_runtime.worker.protocol.rows import TaskRow

POLLS = 10.0
"""Seconds between two lines about a step's tasks that ask to run again; the others are for debugging."""


def last_words(error: Exception) -> None:
    """Why the worker could not start or go on; of an error that is no refusal, where it came from."""
    if isinstance(error, PgflowError):
        event = {} if error.help is None else {"help": error.help}
        logger.error("%s", error.message, extra={"pgflow_event": event})
    else:
        logger.error("worker crashed: %s", headline(error), exc_info=error)


def completed(row: TaskRow, seconds: float) -> None:
    if logger.isEnabledFor(logging.INFO):
        extra = {"pgflow": _row(row), "pgflow_event": {"outcome": "completed", "ms": _ms(seconds)}}
        # not logger.info(): it looks for its caller in the stack, which costs as much as the rest of the line
        text, values = "completed in %.1f ms", (seconds * 1000,)
        record = logger.makeRecord(
            logger.name, logging.INFO, __file__, 0, text, values, None, "completed", extra
        )
        logger.handle(record)


def retried(row: TaskRow, message: str, seconds: float) -> None:
    retry, most = row.attempt, (row.max_attempts or 1) - 1
    event = {"outcome": "retried", "ms": _ms(seconds), "error": message}
    _outcome(
        logging.WARNING,
        row,
        event | {"retry": retry, "most_retries": most, "delay_s": row.delay},
        "retry %s/%s in %s s, failed after %.1f ms: %s",
        retry,
        most,
        row.delay,
        seconds * 1000,
        _first_line(message),
    )


class Polls:
    """Lines about tasks that ask to run again: hundreds may do so every second, and nothing is wrong."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}

    def asked(self, row: TaskRow, message: str, seconds: float) -> None:
        step = row.flow_slug, row.step_slug
        now = time.monotonic()
        is_news = now - self._told.get(step, -POLLS) >= POLLS
        if is_news:
            self._told[step] = now
        event = {"outcome": "again", "ms": _ms(seconds), "delay_s": row.delay, "reason": message}
        _outcome(
            logging.INFO if is_news else logging.DEBUG,
            row,
            event,
            "asked to run again in %s, after %.1f ms: %s",
            span_words(row.delay or 0),
            seconds * 1000,
            _first_line(message).removeprefix("RetryAfter: "),
        )


polls: Final = Polls()


def span_words(seconds: int) -> str:
    """``30 s``; from two minutes on with the larger unit: ``90 min``, ``72 h``, ``30 days``."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def failed(row: TaskRow, message: str, seconds: float) -> None:
    event = {"outcome": "failed", "ms": _ms(seconds), "error": message}
    _outcome(logging.ERROR, row, event, "failed after %.1f ms: %s", seconds * 1000, message)


def skipped(row: TaskRow, message: str, seconds: float) -> None:
    event = {"outcome": "skipped", "ms": _ms(seconds), "error": message}
    text = "failed after %.1f ms, step skipped: %s"
    _outcome(logging.WARNING, row, event, text, seconds * 1000, _first_line(message))


def tolerated(row: TaskRow, message: str, seconds: float) -> None:
    """The failure takes the place of the task's output."""
    event = {"outcome": "tolerated", "ms": _ms(seconds), "error": message}
    text = "failed after %.1f ms, kept as a value: %s"
    _outcome(logging.WARNING, row, event, text, seconds * 1000, _first_line(message))


def round_ended(row: TaskRow, delay_ms: int | None, seconds: float) -> None:
    """A loop goes round, which it may do many times a second. ``row`` is of the round that ended."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    number = row.round or 1
    event = {"outcome": "again", "ms": _ms(seconds), "round": number, "delay_ms": delay_ms}
    when = "" if delay_ms is None else f" in {delay_ms / 1000:g} s"
    _outcome(logging.DEBUG, row, event, "round %s ended after %.1f ms, again%s", number, seconds * 1000, when)


def cancelled(row: TaskRow, why: str, seconds: float) -> None:
    """``why``: what ended before the task, such as "the run has failed"."""
    event = {"outcome": "cancelled", "ms": _ms(seconds), "reason": why}
    _outcome(logging.INFO, row, event, "cancelled after %.1f ms: %s", seconds * 1000, why)


def stale(row: TaskRow) -> None:
    text = "result refused: the task has gone to another attempt, or is stored already"
    _outcome(logging.WARNING, row, {"outcome": "stale"}, text)


def lost(row: TaskRow, message: str, seconds: float, was_given_back: bool) -> None:
    event = {"outcome": "lost", "ms": _ms(seconds), "error": message}
    what = "given back" if was_given_back else "stored all the same, or gone to another attempt"
    text = "%s: its connection was lost after %.1f ms: %s"
    _outcome(logging.WARNING, row, event, text, what, seconds * 1000, _first_line(message))


def unbegun(row: TaskRow, seconds: float) -> None:
    text = "given back: where its handler runs there was no room for it for %.0f s"
    _outcome(logging.DEBUG, row, {"outcome": "unbegun", "ms": _ms(seconds)}, text, seconds)


def unreported(row: TaskRow, reason: str) -> None:
    """The database would not take the task's outcome; it is recovered after its timeout."""
    event = {"outcome": "unreported", "error": reason}
    _outcome(logging.ERROR, row, event, "outcome could not be reported: %s", reason)


def held_up(row: TaskRow, reason: str) -> None:
    """The database does not take the outcome just now."""
    event = {"outcome": "held up", "error": reason}
    _outcome(logging.WARNING, row, event, "outcome is held up, and will be reported again: %s", reason)


def late(row: TaskRow, seconds: float) -> None:
    text = "handler ended after %.1f s, too late: its result is discarded"
    _outcome(logging.WARNING, row, {"outcome": "late", "ms": _ms(seconds)}, text, seconds)


def stuck(row: TaskRow, was_cancelled: bool, is_async: bool, count: int, total: int) -> None:
    since = "it was cancelled" if was_cancelled else f"its timeout of {row.timeout} s"
    why = "swallows its cancellation" if is_async else "a thread cannot be stopped"
    _outcome(
        logging.ERROR,
        row,
        {"outcome": "stuck", "stuck_slots": count, "slots": total},
        "handler goes on after %s (%s) and keeps its slot; %s of %s slots are stuck",
        since,
        why,
        count,
        total,
    )


def _outcome(level: int, row: TaskRow, event: Mapping[str, object], text: str, *values: object) -> None:
    logger.log(level, text, *values, extra={"pgflow": _row(row), "pgflow_event": event})


def _row(row: TaskRow) -> dict[str, str | int]:
    return {
        "flow": row.flow_slug,
        "run": row.run_id,
        "step": row.step_slug,
        "task": row.task_index,
        "attempt": row.attempt,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
