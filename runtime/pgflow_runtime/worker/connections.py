"""The handlers' own connections: pools opened when a handler first asks, apart from the engine's."""

from __future__ import annotations

import asyncio
import select
import threading
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool

Sync: TypeAlias = ConnectionPool[Connection[Any]]
Async: TypeAlias = AsyncConnectionPool[AsyncConnection[Any]]


class HandlerConnections:
    """At most ``sync_most`` connections for sync handlers and ``async_most`` for async ones."""

    def __init__(self, conninfo: str, sync_most: int, async_most: int, *, prepare: bool) -> None:
        self._conninfo = conninfo
        self._most = (max(1, sync_most), max(1, async_most))
        self._kwargs: dict[str, Any] = {} if prepare else {"prepare_threshold": None}
        self._sync: Sync | None = None
        self._async: Async | None = None
        self._lock = threading.Lock()
        self._alock = asyncio.Lock()

    def take(self) -> Connection[Any]:
        """A connection for a sync handler; blocks its thread until one is free."""
        with self._lock:
            if self._sync is None:
                self._sync = ConnectionPool(
                    self._conninfo, min_size=0, max_size=self._most[0], kwargs=self._kwargs, open=True
                )
        while not _is_alive(connection := self._sync.getconn()):
            self._sync.putconn(connection)  # which lets go of it
        return connection

    def give_back(self, connection: Connection[Any]) -> None:
        assert self._sync is not None
        self._sync.putconn(connection)

    async def atake(self) -> AsyncConnection[Any]:
        """A connection for an async handler."""
        async with self._alock:
            if self._async is None:
                pool: Async = AsyncConnectionPool(
                    self._conninfo, min_size=0, max_size=self._most[1], kwargs=self._kwargs, open=False
                )
                await pool.open()
                self._async = pool
        while not _is_alive(connection := await self._async.getconn()):
            await self._async.putconn(connection)
        return connection

    async def agive_back(self, connection: AsyncConnection[Any]) -> None:
        assert self._async is not None
        await self._async.putconn(connection)

    async def close(self) -> None:
        if self._async is not None:
            await self._async.close(timeout=1)
        if self._sync is not None:
            await asyncio.to_thread(self._sync.close, timeout=1)


def _is_alive(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Whether the server has not ended a connection while it lay in its pool; costs no round trip."""
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        for _ in range(3):  # its last words, and the end
            if not poll.poll(0):
                break
            connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return not connection.broken
