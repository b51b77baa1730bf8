"""Supabase's Realtime as what tells that a run has moved on: a channel a run, one socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Final
from uuid import UUID

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

from pgflow_runtime.client.concurrency import AsyncWakeup
from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.loggers import lasting

logger = lasting("pgflow.client")

JOIN_SECONDS: Final = 10.0
"""Until a channel that the server has not confirmed counts as refused."""
_TOPIC: Final = "pgflow:run:"


class RealtimeListener:
    """Follows runs by the events that the core sends. It never raises: without a socket the reading goes on.

    A socket that drops is made anew by us, not by the library, whose channels would be joined again without
    our knowing: what was sent meanwhile is lost, and only a reading after the joining makes up for it.
    """

    def __init__(self, url: str, key: str, wakeup: AsyncWakeup) -> None:
        self._url = f"{url.rstrip('/')}/realtime/v1"
        self._key = key
        self._wakeup = wakeup
        self._socket: AsyncRealtimeClient | None = None
        self._channels: dict[UUID, AsyncRealtimeChannel] = {}
        self._heard: set[UUID] = set()
        self._is_lost = False
        self._missed: set[UUID] = set()
        """Who was followed by a socket that was lost."""
        self._retry_at = 0.0
        self._backoff = Backoff(0.2, 10.0)

    @property
    def retry_in(self) -> float | None:
        """Seconds until the next attempt to connect; None while connected."""
        return None if self._socket is not None else max(0.0, self._retry_at - monotonic())

    async def follow(self, run_ids: Iterable[UUID]) -> bool:
        """Be told of exactly these runs. True if that holds now, False without a socket."""
        wanted = set(run_ids)
        if self._is_lost:
            await self._lose()
        if self._socket is None and (not wanted or monotonic() < self._retry_at):
            return False
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                if self._socket is None:
                    await self._connect()
                for run_id in self._channels.keys() - wanted:
                    await self._leave(run_id)
                await asyncio.gather(*(self._join(run_id) for run_id in wanted - self._channels.keys()))
            self._backoff.reset()
        except Exception as error:  # whatever the library raises for a server that is away
            logger.debug("Realtime cannot be reached: %s", type(error).__name__)
            await self._lose()
            return False
        return not self._is_lost

    async def wait(self, wakeup: AsyncWakeup, timeout: float | None) -> set[UUID]:
        """Wait for an event, for ``wakeup`` or for the time; returns the runs that events were of."""
        if not self._heard and not self._is_lost:
            await wakeup.wait(None, timeout)
        heard, self._heard = self._heard, set()
        return heard

    async def close(self) -> None:
        socket, self._socket = self._socket, None
        self._channels.clear()
        if socket is not None:
            with suppress(Exception):
                await socket.close()

    async def _connect(self) -> None:
        socket = AsyncRealtimeClient(self._url, token=self._key, auto_reconnect=False)
        await socket.connect()
        self._socket = socket

    async def _join(self, run_id: UUID) -> None:
        """Returns once the server has confirmed: every later event is heard."""
        assert self._socket is not None
        joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        channel = self._socket.channel(f"{_TOPIC}{run_id}")

        def changed(state: RealtimeSubscribeStates, error: Exception | None) -> None:
            if state is RealtimeSubscribeStates.SUBSCRIBED:
                if not joined.done():
                    joined.set_result(None)
                return
            if not joined.done():
                joined.set_exception(error or ConnectionError(f"the channel is {state}"))
            if self._channels.get(run_id) is channel:
                self._lost()

        channel.on_broadcast("*", lambda _: self._hear(run_id))
        self._channels[run_id] = channel
        await channel.subscribe(changed)
        await joined
        if run_id in self._missed:  # what happened meanwhile is read
            self._missed.discard(run_id)
            self._heard.add(run_id)

    async def _leave(self, run_id: UUID) -> None:
        channel = self._channels.pop(run_id)
        socket = self._socket
        assert socket is not None
        await channel.unsubscribe()
        socket.channels.pop(channel.topic, None)

    def _hear(self, run_id: UUID) -> None:
        self._heard.add(run_id)
        self._wakeup.set()

    def _lost(self) -> None:
        """From the library: every run may have moved on unheard."""
        self._is_lost = True
        self._wakeup.set()

    async def _lose(self) -> None:
        self._is_lost = False
        self._missed |= self._channels.keys()
        self._heard |= self._channels.keys()
        self._retry_at = monotonic() + self._backoff.pause()
        await self.close()
