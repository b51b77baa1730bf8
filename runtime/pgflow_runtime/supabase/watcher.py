"""Keeps runs that somebody waits for up to date without a connection: Realtime tells when, PostgREST what."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString, cast
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from pgflow_runtime.client._async.feed import AsyncFeed
from pgflow_runtime.client._async.watcher import AsyncWatcher
from pgflow_runtime.database import queries
from pgflow_runtime.errors import UsageError
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_runtime.supabase.listener import RealtimeListener
from pgflow_runtime.supabase.rest import Rest

_AT_ONCE = 8
"""Runs that are read at the same time."""


class RealtimeWatcher(AsyncWatcher):
    """The client's watcher: subscribe first, then read; read now and then in case of a loss."""

    def __init__(self, rest: Rest, url: str, key: str) -> None:
        self._rest = rest
        self._url, self._key = url, key
        self._room = asyncio.Semaphore(_AT_ONCE)
        super().__init__(cast("AsyncConnectionPool[Any]", _NoPool()), "", poll_only=True)

    def renew(self, pool: Any) -> None:
        super().renew(pool)
        self._realtime = RealtimeListener(self._url, self._key, self._wakeup)

    async def read(self, run_id: UUID) -> RunSnapshot | None:
        async with self._room:
            document = await self._rest.call("get_run_with_states", run_id=str(run_id))
        return None if document is None else RunSnapshot.read(document)

    async def read_progress(self, feeds: Sequence[AsyncFeed]) -> dict[UUID, RunSnapshot]:
        found = await asyncio.gather(*(self.read(feed.run_id) for feed in feeds))
        return {snapshot.run_id: snapshot for snapshot in found if snapshot is not None}

    async def fetch_all(
        self, statement: LiteralString, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        if statement == queries.GET_FAILURE:
            return []  # the run's state names the step; which task it was is for those with a connection
        raise needs_connection("this")

    async def _follow(self, feeds: dict[UUID, AsyncFeed]) -> bool:
        return await self._realtime.follow(feeds)

    async def _wait(self, feeds: Iterable[AsyncFeed]) -> set[UUID]:
        if self._is_closing:
            return set()
        seconds = self._seconds_left(feeds)
        retry_in = self._realtime.retry_in if self._held else None
        moments = [moment for moment in (seconds, retry_in) if moment is not None]
        return await self._realtime.wait(self._wakeup, min(moments, default=None))

    async def _stop_watching(self) -> None:
        await self._realtime.close()


class _NoPool:
    """In the place of a pool of connections: nothing asks it for any."""

    async def close(self) -> None: ...


def needs_connection(what: str) -> UsageError:
    return UsageError(
        f"{what} needs a connection to the database",
        help="connect with AsyncClient.connect(dsn): over Supabase's API runs are only started and followed",
    )
