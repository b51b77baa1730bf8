"""Follow a run to its end: every change as soon as the database tells of it, or at the next look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from pgflow_runtime.database import CLIENT, connect, queries
from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.database.store import from_psycopg, is_passing, translated
from pgflow_runtime.errors import WaitTimeout
from pgflow_runtime.runs.reading import Reading, read_again, read_run
from pgflow_runtime.terminal.lonely import PATIENCE, CommandOf, lonely_note
from pgflow_shared.statuses import FINAL_RUN

WATCHED = 60
"""Seconds the database remembers that the run is watched; renewed at half of it."""
LOOKS = (0.1, 0.5)
"""Seconds between two looks: least, when there is news; most, as what a map's tasks do makes no news."""
SHARE = 10
"""A look that takes long is followed by a pause of so many times its length at least."""


class Follower:
    """One run, read again and again on a connection of its own; a lost connection is replaced.

    Args:
        timeout: seconds after which ``readings`` raises WaitTimeout; None: never.
        command_of: what starts a worker, for ``lonely``.
        whole: with the run's input and the outputs of its steps.
    """

    def __init__(
        self,
        conninfo: str,
        run_id: UUID,
        timeout: float | None = None,
        command_of: CommandOf = lambda _slug: "pgflow-gen worker MODULE:FLOW",
        *,
        whole: bool = False,
    ) -> None:
        self._conninfo = conninfo
        self._run_id = run_id
        self._whole = whole
        self._timeout = timeout
        self._deadline = None if timeout is None else monotonic() + timeout
        self._watcher_id = uuid4()
        self._connection: psycopg.Connection[Any] | None = None
        self._announced = 0.0
        self._took = 0.0
        self.trouble: str | None = None
        """Why the last look failed, while it is being tried again."""
        self.lonely: str | None = None
        """That no worker serves the flow, once it has been waited for long enough."""
        self._command_of = command_of
        self._look_for_worker_at = monotonic() + PATIENCE

    def readings(self) -> Iterator[Reading]:
        """The run now, then some times a second, until it has ended; the last reading is the final one.

        While the database cannot be reached the last reading comes again. Raises RunNotFound, WaitTimeout,
        and whatever the first look runs into.
        """
        try:
            with translated(self._conninfo):
                reading = read_run(self._connected(), self._run_id, whole=self._whole)
            yield reading
            backoff = Backoff(0.5, 5.0)
            while not reading.run.is_final:
                try:
                    reading = self._next(reading)
                    backoff.reset()
                except psycopg.Error as error:
                    failure = from_psycopg(error, self._conninfo)
                    if not is_passing(failure):
                        raise failure from error
                    self._lost(str(failure))
                    time.sleep(self._at_most(backoff.pause(), reading))
                yield reading
        finally:
            self._close()

    def _next(self, before: Reading) -> Reading:
        connection = self._connected()
        self._announce(connection)
        least, most = LOOKS
        rest = max(least, self._took * SHARE)
        time.sleep(self._at_most(rest, before))
        for _ in connection.notifies(timeout=self._at_most(most, before), stop_after=1):
            pass
        began = monotonic()
        found = read_again(connection, before, whole=self._whole)
        self._took = monotonic() - began
        self.trouble = None
        if began >= self._look_for_worker_at and not found.run.is_final:
            self.lonely = lonely_note(connection, found.run.flow_slug, self._command_of)
            self._look_for_worker_at = monotonic() + PATIENCE
        return found

    def _at_most(self, seconds: float, reading: Reading) -> float:
        """So long, unless the time is over earlier. Raises WaitTimeout when it is."""
        if self._deadline is None:
            return seconds
        left = self._deadline - monotonic()
        if left <= 0:
            name = f"run {self._run_id} of flow '{reading.run.flow_slug}'"
            awaited = FINAL_RUN
            raise WaitTimeout(name, self._timeout or 0, reading.run.status, awaited, self.trouble)
        return min(seconds, left)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = connect(self._conninfo, CLIENT)
            self._announced = 0.0
        return self._connection

    def _announce(self, connection: psycopg.Connection[Any]) -> None:
        """Listen, and have the database notify us of this run."""
        if monotonic() < self._announced + WATCHED / 2 and self._announced:
            return
        channel = sql.Identifier(f"pgflow_run_{self._run_id.hex}")
        connection.execute(sql.SQL("listen {}").format(channel))
        connection.execute(queries.WATCH, self._watch())
        self._announced = monotonic()

    def _watch(self) -> dict[str, object]:
        return {"watcher_id": self._watcher_id, "run_ids": [self._run_id], "seconds": WATCHED}

    def _lost(self, why: str) -> None:
        self.trouble = why
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _close(self) -> None:
        if self._connection is None:
            return
        with suppress(psycopg.Error):  # the announcement runs out by itself
            if self._announced:
                self._connection.execute(queries.UNWATCH, self._watch())
        self._connection.close()
        self._connection = None
