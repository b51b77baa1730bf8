"""A connection of the engine that comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection

from pgflow_runtime.dsn import describe
from pgflow_runtime.errors import ConnectionFailed
from pgflow_runtime.store import application_name, from_psycopg, is_connection_error
from pgflow_runtime.worker.backoff import Backoff
from pgflow_runtime.worker.logs import logger

DISK_FULL = "53100"
"""SQLSTATE of a server without room: results wait for some, as they do for a lost server."""


class LinkClosed(ConnectionFailed):
    """The worker stopped while the database could not be reached; the result was not stored."""


class Link:
    """One autocommitting connection, one call at a time.

    A call is repeated, with growing pauses, while the connection is lost, the server's disk is full, or the
    database reports a serialisation failure or a deadlock; every function the worker calls can be repeated,
    as results are fenced. ``on_loss`` is told after a repeated call came through: the first one may have
    worked as well, and its answer is lost. Any other error is raised as psycopg raised it.
    """

    def __init__(self, conninfo: str, *, prepare: bool, on_loss: Callable[[], None] | None = None) -> None:
        self._conninfo = conninfo
        self._prepare = prepare
        self._on_loss = on_loss
        self._connection: AsyncConnection[Any] | None = None
        self._closing = asyncio.Event()
        self._is_dropped = False
        self.lock = asyncio.Lock()
        """Held during a call; hold it to keep calls away."""

    async def open(self) -> None:
        """Connect, without trying again.

        Raises:
            PgflowError: why there is no connection.
        """
        try:
            await self._connect()
        except psycopg.Error as error:
            raise from_psycopg(error, self._conninfo) from error

    async def call(self, statement: LiteralString, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement, in a transaction of its own."""
        async with self.lock:
            return await self.call_locked(statement, parameters)

    async def call_locked(
        self, statement: LiteralString, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """The same for who holds the lock already."""
        backoff = Backoff()
        lost = self._is_dropped
        while True:
            try:
                connection = await self._connect()
                cursor = await connection.execute(statement, parameters)
                rows = await cursor.fetchall()
            except psycopg.Error as error:
                lost = await self._recover(error, backoff) or lost
            else:
                self._is_dropped = False
                if lost and self._on_loss is not None:
                    self._on_loss()
                return rows

    async def drop(self) -> None:
        """Let go of a connection whose answer could not be read: as good as lost."""
        self._is_dropped = True
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()

    async def close(self) -> None:
        """Close the connection; a call that is trying to reach the database ends with LinkClosed."""
        self._closing.set()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def give_up(self) -> None:
        """Let calls that cannot reach the database end with LinkClosed."""
        self._closing.set()

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await AsyncConnection.connect(
                self._conninfo,
                autocommit=True,
                application_name=application_name(self._conninfo),
                prepare_threshold=1 if self._prepare else None,
            )
        return self._connection

    async def _recover(self, error: psycopg.Error, backoff: Backoff) -> bool:
        """Wait before another attempt; whether the connection was lost. Raises what repeating cannot cure."""
        lost = is_connection_error(error) or self._connection is None or self._connection.closed
        is_full = error.sqlstate == DISK_FULL
        if not lost and not is_full and not (error.sqlstate or "").startswith("40"):
            raise error
        if self._closing.is_set():
            raise LinkClosed() from error
        if lost:
            logger.warning("lost %s: %s", describe(self._conninfo), from_psycopg(error, self._conninfo))
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()
        elif is_full:
            logger.warning("%s: %s", describe(self._conninfo), from_psycopg(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(backoff.pause()):
                await self._closing.wait()
        return bool(lost)
