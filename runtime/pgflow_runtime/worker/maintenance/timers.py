"""Firing what is due in the database: time-outs of runs, and tasks that wait for longer than some seconds.

Whoever works does it, for all flows. A busy worker looks once a second, an idle one as often as it polls,
each also when the next timer that it knows of is due. A random pause keeps a herd of idle ones apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import psycopg

from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.protocol.statements import FIRE_TIMERS

BATCH: Final = 100
"""Timers fired in one transaction at most."""
BUSY: Final = 1.0
"""Seconds between two looks at most while tasks run."""
SPREAD: Final = 0.05
"""Seconds over which those that wait for the same timer are spread."""


def after(seconds: float) -> float:
    """When to look for a timer that is due in so many seconds."""
    return seconds + random.uniform(0.0, SPREAD) if seconds > 0 else 0.0  # noqa: S311


class Timers:
    """``idle_period``: seconds between two looks at most while no task runs (``is_busy``); at least 1."""

    name = "firing timers"
    statement_timeout = 30

    def __init__(self, idle_period: float, is_busy: Callable[[], bool]) -> None:
        self._idle_period = max(idle_period, BUSY)
        self._is_busy = is_busy

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        """Fire one batch."""
        row = connection.execute(FIRE_TIMERS, (BATCH,)).fetchone()
        fired, failed, next_in = row if row is not None else (0, 0, None)
        if failed:
            logger.warning(
                "%s timers could not be fired and are tried again later; see pgflow.timers", failed
            )
        if fired:
            logger.debug("fired %s timers", fired)
        return self._period() if next_in is None else min(after(next_in), self._period())

    def failed(self) -> float:
        return BUSY

    def _period(self) -> float:
        return BUSY if self._is_busy() else self._idle_period
