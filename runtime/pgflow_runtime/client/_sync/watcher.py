# Made from client/_async/watcher.py by scripts/async_to_sync.py; edit that one.
"""Keeps the runs that somebody waits for up to date: subscribe first, then read; poll in case of a loss."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import ConnectionPool

from pgflow_runtime import queries
from pgflow_runtime.client._sync.feed import Feed
from pgflow_runtime.client._sync.listener import Listener
from pgflow_runtime.client.checking import lent
from pgflow_runtime.client.concurrency import Background, Wakeup
from pgflow_runtime.errors import ClientClosed, PgflowError, RunNotFound
from pgflow_runtime.loggers import lasting
from pgflow_runtime.snapshot import RunSnapshot
from pgflow_runtime.store import from_psycopg, is_passing, translated

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


class Watcher:
    """One background loop per client, alive from the first ``hold`` until ``close``."""

    def __init__(self, pool: ConnectionPool[Any], conninfo: str, *, poll_only: bool) -> None:
        self._pool = pool
        self._conninfo = conninfo
        self._works: list[Background] = []
        self._listener = None if poll_only else Listener(conninfo)
        self._watcher_id = uuid4()
        self._held: dict[UUID, Feed] = {}
        self._watched: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self._wakeup = Wakeup()
        self._loop: Background | None = None
        self._is_closing = False

    @property
    def held_count(self) -> int:
        """How many runs somebody waits for."""
        return len(self._held)

    def hold(self, feed: Feed) -> None:
        """Keep a run up to date until ``release``; both may be called often. Raises ClientClosed."""
        with self._lock:
            if self._is_closing:
                raise ClientClosed("the client is closed")
            feed.holds += 1
            if feed.holds == 1:
                feed.due = 0.0
                feed.interval = 0.0
                self._held[feed.run_id] = feed
            if self._loop is None:
                self._loop = Background(self._run, "pgflow-client")
        self._wakeup.set()

    def release(self, feed: Feed) -> None:
        with self._lock:
            feed.holds -= 1
            if feed.holds == 0 and self._held.get(feed.run_id) is feed:
                del self._held[feed.run_id]
        self._wakeup.set()

    def read(self, run_ids: Sequence[UUID]) -> dict[UUID, RunSnapshot | None]:
        """Read runs now; None for one that is not there. Raises what the database says."""
        with translated(self._conninfo):
            with lent(self._pool) as connection:
                cursor = connection.execute(queries.GET_RUNS, {"run_ids": list(run_ids)})
                rows = cursor.fetchall()
        return {run_id: RunSnapshot.read(found) if found else None for run_id, found in rows}

    def read_progress(self, feeds: Sequence[Feed]) -> dict[UUID, RunSnapshot]:
        """Read what has changed: neither inputs nor outputs that are known travel again.

        A run that is not there is left out. Raises what the database says.
        """
        known = {feed.run_id: feed.latest for feed in feeds}
        outputs = {str(run_id): latest.known_outputs for run_id, latest in known.items()}
        values = {"run_ids": list(known), "known": json.dumps(outputs)}
        with translated(self._conninfo):
            with lent(self._pool) as connection:
                cursor = connection.execute(queries.GET_PROGRESS, values)
                rows = cursor.fetchall()
        return {run_id: known[run_id].updated(found) for run_id, found in rows}

    def fetch_one(self, statement: LiteralString, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        """The first row of a query. Raises what the database says."""
        with translated(self._conninfo):
            with lent(self._pool) as connection:
                cursor = connection.execute(statement, values)
                row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    def keep(self, work: Background) -> None:
        """Hold on to work that waits for runs, and end it with ``close``."""
        self._works = [item for item in self._works if item.is_running] + [work]

    def close(self) -> None:
        """End the loop and every wait, and take back what was announced. May be called again."""
        with self._lock:
            self._is_closing = True
            feeds = list(self._held.values())
            loop, self._loop = self._loop, None
        for feed in feeds:
            feed.fail(ClientClosed("the client was closed while this run was being waited for"))
        self._wakeup.set()
        if loop is not None:
            loop.join(timeout=5)
        for work in self._works:
            work.join(timeout=5)
        if loop is None or not loop.is_running:  # a thread that waits for a lost server ends by itself
            self._wakeup.close()

    def _run(self) -> None:
        try:
            while not self._is_closing:
                self._turn()
        except Exception as error:
            logger.exception("the client's watcher failed")
            with self._lock:
                feeds, self._loop = list(self._held.values()), None
            for feed in feeds:
                feed.fail(PgflowError(f"the client's watcher failed: {error!r}"))
        finally:
            self._stop_watching()

    def _turn(self) -> None:
        with self._lock:
            feeds = dict(self._held)
        followed = self._follow(feeds)
        self._refresh([feed for feed in feeds.values() if feed.is_stale()], followed)
        for run_id in self._wait(feeds.values()):
            if run_id in feeds:
                feeds[run_id].due = 0.0

    def _follow(self, feeds: dict[UUID, Feed]) -> bool:
        """Listen, and announce that we do; True if changes of all these runs will be notified."""
        if self._listener is None:
            return False
        followed = self._listener.follow(feeds)
        gone = [run_id for run_id in self._watched if run_id not in feeds]
        now = monotonic()
        new = [run_id for run_id in feeds if self._watched.get(run_id, 0.0) <= now] if followed else []
        try:
            if gone:
                self._announce(queries.UNWATCH, gone)
            if new:
                self._announce(queries.WATCH, new)
        except psycopg.Error as error:
            failure = from_psycopg(error)
            if not is_passing(failure):
                self._fail(feeds.values(), failure)
            return False
        for run_id in gone:
            del self._watched[run_id]
        self._watched.update(dict.fromkeys(new, now + WATCH_SECONDS / 2))
        return followed

    def _announce(self, statement: LiteralString, run_ids: list[UUID]) -> None:
        values = {"watcher_id": self._watcher_id, "run_ids": run_ids, "seconds": WATCH_SECONDS}
        with lent(self._pool) as connection:
            connection.execute(statement, values)

    def _refresh(self, feeds: list[Feed], followed: bool) -> None:
        first, longest = FALLBACK if followed else POLLING
        for start in range(0, len(feeds), READ_AT_ONCE):
            part = feeds[start : start + READ_AT_ONCE]
            try:
                found = self.read_progress(part)
            except PgflowError as error:
                if not is_passing(error):
                    self._fail(part, error)
                    continue
                for feed in part:
                    feed.trouble = str(error)
                    feed.interval = min(max(feed.interval * 2, 0.5), longest)
                    feed.due = monotonic() + feed.interval
                continue
            for feed in part:
                snapshot = found.get(feed.run_id)
                if snapshot is None:
                    feed.fail(RunNotFound(f"run {feed.run_id} is not in the database any more"))
                    continue
                pause = min(max(feed.interval * 2, SOON), longest)
                feed.interval = min(pause, first) if feed.apply(snapshot) else pause
                feed.due = monotonic() + feed.interval

    def _wait(self, feeds: Iterable[Feed]) -> set[UUID]:
        """Until a run is due, a notification comes or somebody calls; returns the notified runs."""
        now = monotonic()
        moments = [feed.due for feed in feeds if not feed.is_final and feed.error is None]
        moments += [until for run_id, until in self._watched.items() if run_id in self._held]
        if self._is_closing:
            return set()
        if self._listener is None:
            self._wakeup.wait(None, max(0.0, min(moments) - now) if moments else None)
            return set()
        if moments and self._listener.retry_in is not None:
            moments.append(now + self._listener.retry_in)
        return self._listener.wait(self._wakeup, max(0.0, min(moments) - now) if moments else None)

    def _fail(self, feeds: Iterable[Feed], error: PgflowError) -> None:
        for feed in feeds:
            feed.fail(error)

    def _stop_watching(self) -> None:
        if self._listener is None:
            return
        try:
            self._listener.close()
            if self._watched:
                self._announce(queries.UNWATCH, list(self._watched))
        except psycopg.Error:
            return  # the announcement runs out by itself
