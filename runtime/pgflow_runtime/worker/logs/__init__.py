"""What the worker says: one line an event, carrying the ids of its task, as text or JSON."""

from __future__ import annotations

from pgflow_runtime.worker.logs.formatters import JsonFormatter, TextFormatter
from pgflow_runtime.worker.logs.lines import (
    cancelled,
    completed,
    failed,
    held_up,
    last_words,
    late,
    lost,
    polls,
    retried,
    round_ended,
    skipped,
    stale,
    stuck,
    tolerated,
    unbegun,
    unreported,
)
from pgflow_runtime.worker.logs.own_logger import logger
from pgflow_runtime.worker.logs.setup import set_up, show

__all__ = [
    "JsonFormatter",
    "TextFormatter",
    "cancelled",
    "completed",
    "failed",
    "held_up",
    "last_words",
    "late",
    "logger",
    "lost",
    "polls",
    "retried",
    "round_ended",
    "set_up",
    "show",
    "skipped",
    "stale",
    "stuck",
    "tolerated",
    "unbegun",
    "unreported",
]
