"""How much waits in the queues, for the metrics: asked with a heartbeat, while somebody reads them."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg

from pgflow_runtime.store import from_psycopg
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.served import ServedFlows
from pgflow_runtime.worker.statements import MEASURE_QUEUES

INTEREST: Final = 120.0
"""Seconds after the last reading of the metrics during which the queues are measured."""
REST: Final = 15.0
"""Seconds between two measurements."""
TIRED: Final = 300.0
"""Seconds until the next one after a failure, such as a queue too long to count within the time."""


class QueueDepth:
    """The last measurement by flow: (length, visible, seconds of the longest wait)."""

    def __init__(self, flows: ServedFlows) -> None:
        self._flows = flows
        self._wanted_until = 0.0
        self._due = 0.0
        self.latest: dict[str, tuple[int, int, float]] = {}

    def want(self) -> None:
        """Somebody reads the numbers."""
        self._wanted_until = time.monotonic() + INTEREST

    def turn(self, connection: psycopg.Connection[Any]) -> None:
        """Measure if it is time. The connection commits each statement by itself."""
        now = time.monotonic()
        if now > self._wanted_until:
            self.latest = {}
        elif now >= self._due:
            self._measure(connection)

    def _measure(self, connection: psycopg.Connection[Any]) -> None:
        self._due = time.monotonic() + REST
        slugs = [flow.slug for flow in self._flows.all]
        try:
            with connection.transaction():
                connection.execute("set local statement_timeout = '2s'")
                rows = connection.execute(MEASURE_QUEUES, (slugs,)).fetchall()
        except psycopg.Error as error:
            if connection.closed:
                raise
            logger.warning("the queues could not be measured: %s", from_psycopg(error))
            self._due = time.monotonic() + TIRED
            self.latest = {}
            return
        self.latest = {slug: (length, visible, wait or 0.0) for slug, length, visible, wait in rows}
