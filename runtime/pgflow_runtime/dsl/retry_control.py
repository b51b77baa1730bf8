"""Exceptions a handler raises to steer what becomes of its task."""

from __future__ import annotations

import math
from datetime import timedelta

from pgflow_runtime.errors import PgflowError

LONGEST_DELAY = 365 * 86_400
"""Seconds; nothing is put off for longer than a year."""


class NonRetryable(PgflowError):
    """Trying again would not help: the task's attempts count as exhausted (``when_exhausted`` applies)."""


class RetryAfter(PgflowError):
    """Run the task again after ``seconds`` instead of the step's own delay; counts as an attempt.

    Args:
        seconds: a number, or a ``timedelta``, a year at most; fractions are rounded up.
        message: why; it is stored with the task.

    Raises:
        ValueError: ``seconds`` is negative, not finite, or more than a year.
    """

    def __init__(self, seconds: float | timedelta, message: str | None = None) -> None:
        value = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"RetryAfter takes a number of seconds from now, not {seconds!r}")
        if value > LONGEST_DELAY:
            raise ValueError(
                f"RetryAfter waits for a year at most ({LONGEST_DELAY:,} seconds), not {seconds!r}"
            )
        self.seconds = math.ceil(value)
        super().__init__(message or f"try again in {self.seconds} s")
