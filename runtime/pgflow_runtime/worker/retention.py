"""Forgetting runs that ended long ago, a small batch at a time between two heartbeats."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import psycopg

from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.statements import PRUNE_BATCH

BATCH = 100
"""Runs forgotten in one transaction at most; more of them follow with the next heartbeat."""
REST = 60.0
"""Seconds until the next look when there was nothing more to forget."""


def prune_batch(connection: psycopg.Connection[Any], keep: timedelta, most: int) -> int:
    """Forget up to ``most`` runs that ended longer than ``keep`` ago. How many; fewer: there are no more."""
    row = connection.execute(PRUNE_BATCH, (keep, most)).fetchone()
    return int(row[0]) if row is not None else 0


class Retention:
    """Decides when a worker prunes. Several workers may: each takes runs that no other has."""

    def __init__(self, keep: timedelta) -> None:
        self._keep = keep
        self._due = 0.0

    def turn(self, connection: psycopg.Connection[Any]) -> None:
        """Prune one batch if it is time. The connection commits each statement by itself."""
        if time.monotonic() < self._due:
            return
        count = prune_batch(connection, self._keep, BATCH)
        if count:
            logger.info("forgot %s runs that ended before the retention of %s", count, self._keep)
        if count < BATCH:
            self._due = time.monotonic() + REST
