"""A connection that a thread keeps for itself and opens again when it was lost."""

from __future__ import annotations

from typing import Any

import psycopg

from pgflow_runtime import database
from pgflow_runtime.database.refusals import is_lost
from pgflow_runtime.worker.protocol.failure import in_words


class OwnConnection:
    """Opened at its first use; each statement commits by itself."""

    def __init__(self, conninfo: str, kind: database.ConnectionKind, *, prepare: bool) -> None:
        self._conninfo = conninfo
        self._kind = kind
        self._prepare = prepare
        self._connection: psycopg.Connection[Any] | None = None

    def get(self) -> psycopg.Connection[Any]:
        """Raises psycopg.Error: there is none to be had."""
        if self._connection is None or self._connection.closed:
            self._connection = database.connect(
                self._conninfo, self._kind, prepare_threshold=5 if self._prepare else None
            )
        return self._connection

    def failed(self, error: Exception) -> str:
        """What went wrong, in words. A connection of no more use is let go of: one that was lost, and one of
        which nobody knows where it stands, as after an answer that cannot be read.
        """
        if is_lost(error) or not isinstance(error, psycopg.Error):
            self.close()
        return in_words(error, self._conninfo)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
