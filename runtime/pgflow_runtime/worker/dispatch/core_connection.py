"""A connection of the engine that comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection

from pgflow_runtime.database import ENGINE, aconnect
from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.database.dsn import describe
from pgflow_runtime.database.refusals import Refusal, is_hopeless, refusal_of
from pgflow_runtime.database.store import from_psycopg
from pgflow_runtime.errors import ConnectionFailed
from pgflow_runtime.worker.dispatch.lock_limits import limited
from pgflow_runtime.worker.logs import logger

_ALWAYS = frozenset({Refusal.LOST, Refusal.CONFLICT, Refusal.FULL})
"""What any call sits out: whatever came next on this connection would fare no better."""


class ConnectionClosed(ConnectionFailed):
    """The worker stopped while the database could not be reached; the result was not stored."""


class CoreConnection:
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
        """Connect; a server that is away is waited for, one that lets nobody like us in is not.

        Raises:
            PgflowError: why there never will be a connection; ConnectionClosed: the worker stopped meanwhile.
        """
        backoff = Backoff()
        while True:
            try:
                await self._connect()
            except (psycopg.Error, OSError) as error:
                if isinstance(error, psycopg.Error) and is_hopeless(error):
                    raise from_psycopg(error, self._conninfo) from error
                await self._recover(error, backoff, _ALWAYS)
            else:
                return

    async def call(self, statement: LiteralString, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement, in a transaction of its own; repeated also while others are in its way."""
        async with self.lock:
            return await self._repeat(statement, parameters, _ALWAYS | {Refusal.BUSY})

    async def call_locked(
        self, statement: LiteralString, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """For who holds the lock already, and has better to do than wait for what others hold."""
        return await self._repeat(statement, parameters, _ALWAYS)

    async def call_limited(
        self, statement: LiteralString, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """The same of a function that changes runs, whose wait for a lock ends behind a pooler too."""
        return await self.call_locked(statement if self._prepare else limited(statement), parameters)

    async def drop(self) -> None:
        """Let go of a connection whose answer could not be read: as good as lost."""
        self._is_dropped = True
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()

    async def close(self) -> None:
        """Close the connection; a call that is trying to reach the database ends with ConnectionClosed."""
        self._closing.set()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def give_up(self) -> None:
        """Let calls that cannot reach the database end with ConnectionClosed."""
        self._closing.set()

    async def _repeat(
        self, statement: LiteralString, parameters: Sequence[Any], borne: frozenset[Refusal]
    ) -> list[tuple[Any, ...]]:
        backoff = Backoff()
        lost = self._is_dropped
        while True:
            try:
                connection = await self._connect()
                cursor = await connection.execute(statement, parameters)
                rows = await cursor.fetchall()
            except (psycopg.Error, OSError) as error:
                lost = await self._recover(error, backoff, borne) or lost
            else:
                self._is_dropped = False
                if lost and self._on_loss is not None:
                    self._on_loss()
                return rows

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await aconnect(
                self._conninfo, ENGINE, prepare_threshold=1 if self._prepare else None
            )
        return self._connection

    async def _recover(
        self, error: psycopg.Error | OSError, backoff: Backoff, borne: frozenset[Refusal]
    ) -> bool:
        """Wait before another attempt; whether the connection was lost. Raises what is not borne."""
        refusal = refusal_of(error)
        lost = refusal is Refusal.LOST or self._connection is None or self._connection.closed
        if not lost and refusal not in borne:
            raise error
        if self._closing.is_set():
            raise ConnectionClosed() from error
        self._note(error, refusal, lost)
        if lost:
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(backoff.pause()):
                await self._closing.wait()
        return lost

    def _note(self, error: psycopg.Error | OSError, refusal: Refusal, lost: bool) -> None:
        where = describe(self._conninfo)
        reason = from_psycopg(error, self._conninfo) if isinstance(error, psycopg.Error) else error
        if lost:
            text = "lost %s: %s" if self._connection is not None else "no connection to %s yet: %s"
            logger.warning(text, where, reason)
        elif refusal is not Refusal.CONFLICT:
            logger.warning("%s: %s", where, reason)
