"""The handlers' own connections: pools opened when a handler first asks, apart from the engine's."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from pgflow_runtime.client.checking import atake, take
from pgflow_runtime.database import HANDLER, amake_pool, make_pool

Sync: TypeAlias = ConnectionPool[Connection[Any]]
Async: TypeAlias = AsyncConnectionPool[AsyncConnection[Any]]

MARGIN = 30
"""Seconds that a transaction may be left alone for, beyond its task's time."""
IDLE: Final = """
select pg_catalog.set_config('idle_in_transaction_session_timeout', %s, false)
where pg_catalog.pg_backend_pid() operator(pg_catalog.=) %s
"""
"""Not behind a pooler, where a session is not ours."""


def idle_limit(connection: Connection[Any] | AsyncConnection[Any], seconds: int) -> tuple[str, int]:
    """The values of ``IDLE`` for a task that may take so many seconds."""
    return f"{seconds + MARGIN}s", connection.info.backend_pid


class HandlerConnections:
    """At most ``sync_most`` connections for sync handlers and ``async_most`` for async ones."""

    def __init__(self, conninfo: str, sync_most: int, async_most: int, *, prepare: bool) -> None:
        self._conninfo = conninfo
        self._most = (max(1, sync_most), max(1, async_most))
        self._options: dict[str, Any] = {
            "autocommit": False,
            "prepare_threshold": 5 if prepare else None,
        }
        self._sync: Sync | None = None
        self._async: Async | None = None
        self._limits: WeakKeyDictionary[Connection[Any] | AsyncConnection[Any], int] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._alock = asyncio.Lock()

    def client(self, name: str) -> Any:
        """What stands in for a preset's client of that name: nothing, where tasks are real."""

    def take(self, seconds: int) -> Connection[Any]:
        """A connection for a sync handler; blocks its thread until one is free.

        The server ends a transaction on it that nobody has gone on with for longer than the task's time,
        which is so many seconds, and some more.
        """
        with self._lock:
            if self._sync is None:
                self._sync = make_pool(self._conninfo, HANDLER, max_size=self._most[0], **self._options)
                self._sync.open()
        connection = take(self._sync)
        if self._limits.get(connection) != seconds:
            try:
                connection.autocommit = True
                connection.execute(IDLE, self._idle(connection, seconds))
                connection.autocommit = False
            except BaseException:
                connection.close()
                self._sync.putconn(connection)
                raise
        return connection

    def give_back(self, connection: Connection[Any]) -> None:
        assert self._sync is not None
        self._sync.putconn(connection)

    async def atake(self, seconds: int) -> AsyncConnection[Any]:
        """A connection for an async handler."""
        async with self._alock:
            if self._async is None:
                pool = amake_pool(self._conninfo, HANDLER, max_size=self._most[1], **self._options)
                await pool.open()
                self._async = pool
        connection = await atake(self._async)
        if self._limits.get(connection) != seconds:
            try:
                await connection.set_autocommit(True)
                await connection.execute(IDLE, self._idle(connection, seconds))
                await connection.set_autocommit(False)
            except BaseException:
                await connection.close()
                await self._async.putconn(connection)
                raise
        return connection

    def _idle(self, connection: Connection[Any] | AsyncConnection[Any], seconds: int) -> tuple[str, int]:
        self._limits[connection] = seconds
        return idle_limit(connection, seconds)

    async def agive_back(self, connection: AsyncConnection[Any]) -> None:
        assert self._async is not None
        await self._async.putconn(connection)

    async def close(self) -> None:
        if self._async is not None:
            await self._async.close(timeout=1)
        if self._sync is not None:
            await asyncio.to_thread(self._sync.close, timeout=1)
