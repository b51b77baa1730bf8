"""Exceptions a handler raises to steer what becomes of its task."""

from __future__ import annotations

import math
from datetime import timedelta

from pgflow_runtime.errors import PgflowError

LONGEST_DELAY = 86_400
"""Seconds; a retry is never put off for longer than a day."""


class NonRetryable(PgflowError):
    """Trying again would not help: the task's attempts count as exhausted (``when_exhausted`` applies)."""


class RetryAfter(PgflowError):
    """Try again after ``seconds`` instead of the step's own delay; counts as an attempt, at most one day.

    Args:
        seconds: a number, or a ``timedelta``; fractions are rounded up.
        message: why; it is stored with the task.

    Raises:
        ValueError: ``seconds`` is negative or not finite.
    """

    def __init__(self, seconds: float | timedelta, message: str | None = None) -> None:
        value = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"RetryAfter takes a number of seconds from now, not {seconds!r}")
        self.seconds = min(math.ceil(value), LONGEST_DELAY)
        super().__init__(message or f"try again in {self.seconds} s")
