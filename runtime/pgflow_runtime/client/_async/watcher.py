"""Keeps the runs that somebody waits for up to date: subscribe first, then read; poll in case of a loss."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import AsyncConnectionPool

from pgflow_runtime.client._async.feed import AsyncFeed
from pgflow_runtime.client._async.listener import AsyncListener
from pgflow_runtime.client.checking import aborrow, ademand_loop, keep_inherited
from pgflow_runtime.client.concurrency import AsyncBackground, AsyncWakeup
from pgflow_runtime.database import queries
from pgflow_runtime.database.store import from_psycopg, is_passing, translated
from pgflow_runtime.errors import ClientClosed, DatabaseError, PgflowError, RunNotFound, UnreadableValue
from pgflow_runtime.loggers import lasting
from pgflow_runtime.runs.documents import NOTHING, TOGETHER, document_of, name_of, put, value_of
from pgflow_runtime.runs.snapshot import RunSnapshot

logger = lasting("pgflow.client")

WATCH_SECONDS = 60
"""How long the database remembers that a run is watched; renewed at half of it."""
FALLBACK = (1.0, 15.0)
"""Seconds between readings while notifications come: first, longest (it doubles)."""
POLLING = (0.05, 1.0)
"""The same without notifications."""
SOON = 0.01
"""Seconds until the second reading. A transaction that looked for watchers before we announced ourselves, and
committed after our first reading, tells nobody: it is over within milliseconds, as a rule."""
READ_AT_ONCE = 100
"""Runs per statement."""
PAUSE = 1.0
"""Seconds until the next turn after one that failed."""


class AsyncWatcher:
    """One background loop per client, alive from the first ``hold`` until ``close``."""

    def __init__(
        self, pool: AsyncConnectionPool[Any], conninfo: str, *, poll_only: bool, with_outputs: bool = True
    ) -> None:
        self._with_outputs = with_outputs
        self._conninfo = conninfo
        self._poll_only = poll_only
        self.renew(pool)

    def renew(self, pool: AsyncConnectionPool[Any]) -> None:
        """Begin anew, with nothing held: also in a forked child, where the loop's thread does not exist."""
        keep_inherited(getattr(self, "_listener", None))
        self._pool = pool
        self._works: list[AsyncBackground] = []
        self._listener = None if self._poll_only else AsyncListener(self._conninfo)
        self._watcher_id = uuid4()
        self._held: dict[UUID, AsyncFeed] = {}
        self._watched: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self._wakeup = AsyncWakeup()
        self._loop: AsyncBackground | None = None
        self._is_closing = False

    def hold(self, feed: AsyncFeed) -> None:
        """Keep a run up to date until ``release``; both may be called often. Raises ClientClosed."""
        ademand_loop(self._pool)
        with self._lock:
            if self._is_closing:
                raise ClientClosed("the client is closed")
            feed.holds += 1
            if feed.holds == 1:
                feed.due = 0.0
                feed.interval = 0.0
                self._held[feed.run_id] = feed
            if self._loop is None:
                self._loop = AsyncBackground(self._run, "pgflow-client")
        self._wakeup.set()

    def release(self, feed: AsyncFeed) -> None:
        with self._lock:
            feed.holds -= 1
            if feed.holds == 0 and self._held.get(feed.run_id) is feed:
                del self._held[feed.run_id]
        self._wakeup.set()

    async def read(self, run_id: UUID) -> RunSnapshot | None:
        """Read a run now, with its input; None for one that is not there. Raises what the database says."""
        text = (await self._texts({run_id: []})).get(run_id)
        if text is None:
            return None
        document = await self._document(run_id, text, [])
        document["run"]["input"] = await self._value(run_id, None, "input")
        return RunSnapshot.read(document)

    async def read_progress(self, feeds: Sequence[AsyncFeed]) -> dict[UUID, RunSnapshot]:
        """Read what has changed: neither inputs nor outputs that are known travel again.

        A run that is not there is left out. Raises what the database says.
        """
        latest = {feed.run_id: feed.latest for feed in feeds}
        known = {run_id: snapshot.known_outputs for run_id, snapshot in latest.items()}
        return {
            run_id: latest[run_id].updated(await self._document(run_id, text, known[run_id]))
            for run_id, text in (await self._texts(known)).items()
        }

    async def _texts(self, known: Mapping[UUID, Sequence[str]]) -> dict[UUID, str]:
        """The documents of these runs, without the outputs of the steps that are named."""
        try:
            return await self._texts_up_to(TOGETHER if self._with_outputs else NOTHING, known)
        except DatabaseError as error:
            if is_passing(error):
                raise
            return await self._texts_up_to(NOTHING, known)  # the server cannot write one of the values

    async def _texts_up_to(self, max_bytes: int, known: Mapping[UUID, Sequence[str]]) -> dict[UUID, str]:
        outputs = {str(run_id): list(slugs) for run_id, slugs in known.items()}
        values = {"run_ids": list(known), "known": json.dumps(outputs), "max_bytes": max_bytes}
        with translated(self._conninfo):
            async with aborrow(self._pool) as connection:
                cursor = await connection.execute(queries.GET_PROGRESS, values)
                rows = await cursor.fetchall()
        return dict(rows)

    async def _document(self, run_id: UUID, text: str, known: Sequence[str]) -> dict[str, Any]:
        """What a text says, with the outputs that were left out, or why one cannot be read."""
        document = document_of(text)
        if document is None:
            found = await self._texts_up_to(NOTHING, {run_id: known})
            document = json.loads(found.get(run_id, "null"))
            if document is None:
                raise RunNotFound(f"run {run_id} is not in the database any more")
        for slug in document["left_out"] if self._with_outputs else ():
            put(document, slug, await self._value(run_id, slug, "output"))
        return document

    async def _value(self, run_id: UUID, step_slug: str | None, kind: str) -> Any:
        what = f"{name_of(step_slug, kind)} ({run_id})"
        try:
            values = {"run_id": run_id, "step_slug": step_slug, "kind": kind}
            row = await self.fetch_one(queries.GET_VALUE, values)
        except DatabaseError as error:
            if is_passing(error):
                raise
            return UnreadableValue(f"{what} cannot be sent by the database: {error.message}")
        return value_of(row[0] if row is not None else None, what)

    async def fetch_one(
        self, statement: LiteralString, values: Mapping[str, object]
    ) -> tuple[Any, ...] | None:
        """The first row of a query. Raises what the database says."""
        rows = await self.fetch_all(statement, values)
        return rows[0] if rows else None

    async def fetch_all(
        self, statement: LiteralString, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """A query's rows. Raises what the database says."""
        with translated(self._conninfo):
            async with aborrow(self._pool) as connection:
                cursor = await connection.execute(statement, values)
                rows: list[tuple[Any, ...]] = await cursor.fetchall()
        return rows

    def keep(self, work: AsyncBackground) -> None:
        """Hold on to work that waits for runs, and end it with ``close``."""
        self._works = [item for item in self._works if item.is_running] + [work]

    async def close(self) -> None:
        """End the loop and every wait, and take back what was announced. May be called again."""
        with self._lock:
            self._is_closing = True
            feeds = list(self._held.values())
            loop, self._loop = self._loop, None
        for feed in feeds:
            feed.fail(ClientClosed("the client was closed while this run was being waited for"))
        self._wakeup.set()
        if loop is not None:
            await loop.join(timeout=5)
        for work in self._works:
            await work.join(timeout=5)
        if loop is None or not loop.is_running:  # a thread that waits for a lost server ends by itself
            self._wakeup.close()

    async def _run(self) -> None:
        try:
            while not self._is_closing:
                try:
                    await self._turn()
                except Exception:  # one turn's trouble: those who wait go on waiting
                    logger.exception("the client's watcher failed and goes on")
                    await self._wakeup.wait(None, PAUSE)
        finally:
            await self._stop_watching()

    async def _turn(self) -> None:
        with self._lock:
            feeds = dict(self._held)
        followed = await self._follow(feeds)
        await self._refresh([feed for feed in feeds.values() if feed.is_stale()], followed)
        for run_id in await self._wait(feeds.values()):
            if run_id in feeds:
                feeds[run_id].due = 0.0

    async def _follow(self, feeds: dict[UUID, AsyncFeed]) -> bool:
        """Listen, and announce that we do; True if changes of all these runs will be notified."""
        if self._listener is None:
            return False
        followed = await self._listener.follow(feeds)
        gone = [run_id for run_id in self._watched if run_id not in feeds]
        now = monotonic()
        new = [run_id for run_id in feeds if self._watched.get(run_id, 0.0) <= now] if followed else []
        try:
            if gone:
                await self._announce(queries.UNWATCH, gone)
            if new:
                await self._announce(queries.WATCH, new)
        except psycopg.Error as error:
            failure = from_psycopg(error)
            if not is_passing(failure):
                self._fail(feeds.values(), failure)
            return False
        for run_id in gone:
            del self._watched[run_id]
        self._watched.update(dict.fromkeys(new, now + WATCH_SECONDS / 2))
        return followed

    async def _announce(self, statement: LiteralString, run_ids: list[UUID]) -> None:
        values = {"watcher_id": self._watcher_id, "run_ids": run_ids, "seconds": WATCH_SECONDS}
        async with aborrow(self._pool) as connection:
            await connection.execute(statement, values)

    async def _refresh(self, feeds: list[AsyncFeed], followed: bool) -> None:
        for start in range(0, len(feeds), READ_AT_ONCE):
            await self._refresh_part(feeds[start : start + READ_AT_ONCE], followed)

    async def _refresh_part(self, part: list[AsyncFeed], followed: bool) -> None:
        """Read these runs; what is wrong with one of them ends its wait only."""
        first, longest = FALLBACK if followed else POLLING
        try:
            found = await self.read_progress(part)
            for feed in part:
                snapshot = found.get(feed.run_id)
                if snapshot is None:
                    feed.fail(RunNotFound(f"run {feed.run_id} is not in the database any more"))
                    continue
                pause = min(max(feed.interval * 2, SOON), longest)
                feed.interval = min(pause, first) if feed.apply(snapshot) else pause
                feed.due = monotonic() + feed.interval
        except Exception as error:
            failure = error if isinstance(error, PgflowError) else PgflowError(f"cannot be read: {error!r}")
            if is_passing(failure):
                for feed in part:
                    feed.trouble = str(failure)
                    feed.interval = min(max(feed.interval * 2, 0.5), longest)
                    feed.due = monotonic() + feed.interval
            elif len(part) == 1:
                self._fail(part, failure)
            else:
                for feed in part:
                    await self._refresh_part([feed], followed)

    async def _wait(self, feeds: Iterable[AsyncFeed]) -> set[UUID]:
        """Until a run is due, a notification comes or somebody calls; returns the notified runs."""
        if self._is_closing:
            return set()
        left = self._seconds_left(feeds)
        if self._listener is None:
            await self._wakeup.wait(None, left)
            return set()
        if left is not None and self._listener.retry_in is not None:
            left = min(left, self._listener.retry_in)
        return await self._listener.wait(self._wakeup, left)

    def _seconds_left(self, feeds: Iterable[AsyncFeed]) -> float | None:
        """Until a run is to be read, or to be announced again; None: nothing is due."""
        moments = [feed.due for feed in feeds if not feed.is_final and feed.error is None]
        moments += [until for run_id, until in self._watched.items() if run_id in self._held]
        return max(0.0, min(moments) - monotonic()) if moments else None

    def _fail(self, feeds: Iterable[AsyncFeed], error: PgflowError) -> None:
        for feed in feeds:
            feed.fail(error)

    async def _stop_watching(self) -> None:
        if self._listener is None:
            return
        try:
            await self._listener.close()
            if self._watched:
                await self._announce(queries.UNWATCH, list(self._watched))
        except psycopg.Error:
            return  # the announcement runs out by itself
