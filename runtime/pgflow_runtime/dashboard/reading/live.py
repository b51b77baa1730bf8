"""Runs that somebody looks at, kept up to date by the client's watcher (LISTEN, and a slow poll)."""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from uuid import UUID

from pgflow_runtime.client._async.feed import AsyncFeed
from pgflow_runtime.client._async.watcher import AsyncWatcher
from pgflow_runtime.dashboard.access.fairness import Streams
from pgflow_runtime.database import LIVE, amake_pool
from pgflow_runtime.database.store import translated
from pgflow_runtime.runs.events import (
    Event,
    RunCancelledEvent,
    RunCompletedEvent,
    RunFailedEvent,
    RunStartedEvent,
    StepStartedEvent,
)
from pgflow_runtime.runs.snapshot import RunSnapshot, StepSnapshot

KEEP_ALIVE = 15.0
"""Seconds after which a quiet stream says that it is alive."""


class Live:
    """One watcher for all browsers; each stream is text/event-stream."""

    def __init__(self, conninfo: str, *, poll_only: bool = False) -> None:
        self._conninfo = conninfo
        self._pool = amake_pool(conninfo, LIVE, max_size=2, timeout=10)
        self._watcher = AsyncWatcher(self._pool, conninfo, poll_only=poll_only, with_outputs=False)
        self._feeds: weakref.WeakValueDictionary[UUID, AsyncFeed] = weakref.WeakValueDictionary()
        self._is_closing = False
        self.streams = Streams()

    async def open(self) -> None:
        with translated(self._conninfo):
            await self._pool.open()

    def end_streams(self) -> None:
        """Let every stream end; may be called again."""
        self._is_closing = True
        for feed in list(self._feeds.values()):
            feed.changed.notify()

    async def close(self) -> None:
        self.end_streams()
        await self._watcher.close()
        await self._pool.close()

    async def stream(
        self, progress: Mapping[str, Any], dependencies: Mapping[str, list[str]], session: str
    ) -> AsyncGenerator[str]:
        """What changes in a run from this reading on, until it ends: each change one event.

        Nothing at all where the session has got its share meanwhile.
        """
        if not self.streams.may_enter(session):
            return
        feed = self._feed(progress, dependencies)
        self._watcher.hold(feed)
        given_way = asyncio.Event()

        def end() -> None:
            given_way.set()
            feed.changed.notify()

        self.streams.enter(session, end)
        index = len(feed.log)
        try:
            yield "retry: 2000\n\n" + _message(feed, [])
            while not (feed.is_final or feed.error is not None or self._is_closing or given_way.is_set()):
                seen = feed.changed.version
                await feed.changed.wait(seen, KEEP_ALIVE)
                if feed.changed.version == seen:
                    yield ": still here\n\n"
                    continue
                news = feed.log[index:]
                index = len(feed.log)
                yield _message(feed, news)
            if feed.is_final or feed.error is not None:
                yield "event: end\ndata: {}\n\n"
        finally:
            self.streams.leave(session, end)
            self._watcher.release(feed)

    def _feed(self, progress: Mapping[str, Any], dependencies: Mapping[str, list[str]]) -> AsyncFeed:
        snapshot = snapshot_of(progress)
        feed = self._feeds.get(snapshot.run_id)
        if feed is None or feed.error is not None:
            feed = AsyncFeed(snapshot, dependencies)
            self._feeds[snapshot.run_id] = feed
        else:
            feed.apply(snapshot)
        return feed


def snapshot_of(progress: Mapping[str, Any]) -> RunSnapshot:
    """What ``get_run_progress`` returned, without input and outputs: nobody here needs them twice."""
    steps = {row["step_slug"]: StepSnapshot.read({**row, "output": None}) for row in progress["steps"]}
    return RunSnapshot.read_row({**progress["run"], "input": None, "output": None}, steps)


def _message(feed: AsyncFeed, news: list[Event]) -> str:
    data = {"status": feed.latest.status, "news": [_said(event) for event in news][-3:]}
    return f"event: change\ndata: {json.dumps(data)}\n\n"


def _said(event: Event) -> str:
    if isinstance(event, RunStartedEvent | RunCompletedEvent | RunFailedEvent | RunCancelledEvent):
        return f"The run {event.event_type.partition(':')[2]}."
    if isinstance(event, StepStartedEvent):
        return f"Step {event.step_slug} started."
    return f"Step {event.step_slug} {event.event_type.partition(':')[2]}."
