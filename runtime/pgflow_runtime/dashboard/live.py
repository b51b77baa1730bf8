"""Runs that somebody looks at, kept up to date by the client's watcher (LISTEN, and a slow poll)."""

from __future__ import annotations

import json
import weakref
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from pgflow_runtime.client._async.feed import AsyncFeed
from pgflow_runtime.client._async.watcher import AsyncWatcher
from pgflow_runtime.events import Event, RunCompletedEvent, RunFailedEvent, RunStartedEvent, StepStartedEvent
from pgflow_runtime.snapshot import RunSnapshot, StepSnapshot
from pgflow_runtime.store import translated

KEEP_ALIVE = 15.0
"""Seconds after which a quiet stream says that it is alive."""
STREAMS = 200
"""Streams at a time."""


class Live:
    """One watcher for all browsers; each stream is text/event-stream."""

    def __init__(self, conninfo: str, *, poll_only: bool = False) -> None:
        self._conninfo = conninfo
        self._pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            conninfo, min_size=0, max_size=2, open=False, timeout=10, kwargs={"autocommit": True}
        )
        self._watcher = AsyncWatcher(self._pool, conninfo, poll_only=poll_only, with_outputs=False)
        self._feeds: weakref.WeakValueDictionary[UUID, AsyncFeed] = weakref.WeakValueDictionary()
        self._is_closing = False
        self._streams = 0

    @property
    def is_full(self) -> bool:
        return self._streams >= STREAMS

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
        self, progress: Mapping[str, Any], dependencies: Mapping[str, list[str]]
    ) -> AsyncGenerator[str]:
        """What changes in a run from this reading on, until it ends: each change one event."""
        feed = self._feed(progress, dependencies)
        self._watcher.hold(feed)
        self._streams += 1
        index = len(feed.log)
        try:
            yield "retry: 2000\n\n" + _message(feed, [])
            while not (feed.is_final or feed.error is not None or self._is_closing):
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
            self._streams -= 1
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
    if isinstance(event, RunStartedEvent | RunCompletedEvent | RunFailedEvent):
        return f"The run {event.event_type.partition(':')[2]}."
    if isinstance(event, StepStartedEvent):
        return f"Step {event.step_slug} started."
    return f"Step {event.step_slug} {event.event_type.partition(':')[2]}."
