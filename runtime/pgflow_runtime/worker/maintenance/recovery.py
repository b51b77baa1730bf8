"""Giving the tasks of dead workers, and those far beyond their timeout, back to their queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import psycopg

from pgflow_runtime.worker.protocol.statements import RECOVER

PERIOD: Final = 5.0
"""Seconds between two looks. All workers look; one at a time does it, the others' calls return at once."""


class Recovery:
    """``recovered`` is told, in the maintenance's thread, how many tasks were given back."""

    name = "recovery"
    statement_timeout = 30

    def __init__(self, recovered: Callable[[int], None]) -> None:
        self._recovered = recovered

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        row = connection.execute(RECOVER).fetchone()
        if row is not None and row[0]:
            self._recovered(int(row[0]))
        return PERIOD

    def failed(self) -> float:
        return PERIOD
