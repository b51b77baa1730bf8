"""The client's one LISTEN connection: opened on demand, opened again after a loss."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.pq.abc import PGconn

from pgflow_runtime.client.concurrency import AsyncWakeup
from pgflow_runtime.database import LISTENER, aconnect
from pgflow_runtime.database.backoff import Backoff

CHANNEL = "pgflow_run_"


class AsyncListener:
    """Listens to the channels of runs. It never raises: without a connection the fallback poll goes on."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None
        self._channels: set[UUID] = set()
        self._heard: set[UUID] = set()
        self._retry_at = 0.0
        self._backoff = Backoff(0.5, 10.0)

    @property
    def retry_in(self) -> float | None:
        """Seconds until the next attempt to connect; None while connected."""
        return None if self._connection is not None else max(0.0, self._retry_at - monotonic())

    async def follow(self, run_ids: Iterable[UUID]) -> bool:
        """Listen to exactly these runs. True if that holds now, False without a connection."""
        wanted = set(run_ids)
        if self._connection is None and (not wanted or monotonic() < self._retry_at):
            return False
        try:
            if self._connection is None:
                await self._connect()
            await self._execute("unlisten", self._channels - wanted)
            await self._execute("listen", wanted - self._channels)
            self._backoff.reset()
        except (psycopg.Error, OSError):
            await self._lose()
            return False
        return True

    async def wait(self, wakeup: AsyncWakeup, timeout: float | None) -> set[UUID]:
        """Wait for a notification, for ``wakeup`` or for the time; returns the runs that were notified."""
        if not self._heard:
            await wakeup.wait(self._connection, timeout)
            if self._connection is not None:
                try:
                    self._drain(self._connection.pgconn)
                except psycopg.Error:
                    await self._lose()
        heard, self._heard = self._heard, set()
        return heard

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        self._channels.clear()
        if connection is not None:
            await connection.close()

    async def _connect(self) -> None:
        connection = await aconnect(self._conninfo, LISTENER, prepare_threshold=None)
        connection.add_notify_handler(lambda notification: self._hear(notification.channel))
        self._connection = connection

    async def _execute(self, word: LiteralString, run_ids: set[UUID]) -> None:
        """LISTEN to, or UNLISTEN, many channels in one round trip."""
        if self._connection is None or not run_ids:
            return
        statement = sql.SQL(word + " {}")
        channels = [sql.Identifier(f"{CHANNEL}{run_id.hex}") for run_id in run_ids]
        await self._connection.execute(sql.SQL(";").join(map(statement.format, channels)))
        self._channels = self._channels | run_ids if word == "listen" else self._channels - run_ids

    async def _lose(self) -> None:
        """The connection broke: every run may have changed meanwhile."""
        self._heard |= self._channels
        self._retry_at = monotonic() + self._backoff.pause()
        try:
            await self.close()
        except psycopg.Error:
            return

    def _drain(self, pgconn: PGconn) -> None:
        """Take what has arrived without waiting; the handler sees only what comes along with a statement."""
        pgconn.consume_input()
        while (notification := pgconn.notifies()) is not None:
            self._hear(notification.relname.decode())

    def _hear(self, channel: str) -> None:
        if channel.startswith(CHANNEL):
            self._heard.add(UUID(channel.removeprefix(CHANNEL)))
