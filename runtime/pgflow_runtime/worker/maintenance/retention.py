"""Forgetting runs that ended long ago, a small batch at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import psycopg

from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.protocol.statements import PRUNE_BATCH
from pgflow_shared.text import counted

BATCH: Final = 100
"""Runs deleted in one transaction at most."""
NEXT: Final = 5.0
"""Seconds until the next batch while there is more to forget."""
REST: Final = 60.0
"""Seconds until the next look when there was nothing more."""


def prune_batch(connection: psycopg.Connection[Any], keep: timedelta, most: int) -> int:
    """Forget up to ``most`` runs that ended longer than ``keep`` ago. How many; fewer: there are no more."""
    row = connection.execute(PRUNE_BATCH, (keep, most)).fetchone()
    return int(row[0]) if row is not None else 0


class Retention:
    """Several workers may have it: each takes runs that no other has."""

    name = "retention"
    statement_timeout = 60

    def __init__(self, keep: timedelta) -> None:
        self._keep = keep

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        """Forget one batch."""
        count = prune_batch(connection, self._keep, BATCH)
        if count:
            logger.info("deleted %s that ended before the retention of %s", counted(count, "run"), self._keep)
        return REST if count < BATCH else NEXT

    def failed(self) -> float:
        return REST
