"""Ending the sessions that keep recovery from the tasks of dead workers."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from pgflow_runtime.worker.dispatch.holders import ALLOWED, END_STUCK, Told

PERIOD: Final = 10.0
"""Seconds between two looks."""


class Release:
    """Where it may; else it says so."""

    name = "ending sessions that hold runs"
    statement_timeout = 10

    def __init__(self, allowed: int = ALLOWED) -> None:
        self._allowed = allowed
        self._tell = Told()

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        self._tell(connection.execute(END_STUCK, (self._allowed,)).fetchall())
        return PERIOD

    def failed(self) -> float:
        return PERIOD
