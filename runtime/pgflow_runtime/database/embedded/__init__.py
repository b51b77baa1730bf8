"""A PostgreSQL of the project's own, for commands that were given no database.

Started by the first command that needs it, shared by all, stopped by the last that ends. Whoever uses it
holds a shared lock on the file ``holders``; the system drops the lock of a process that dies in any way, so
there is no list of process ids to go stale. ``lock`` serialises starting and stopping.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from pgflow_runtime.database.embedded import own
from pgflow_runtime.database.embedded.binaries import require_installed
from pgflow_runtime.database.embedded.location import PORT, Location, location_of
from pgflow_runtime.database.embedded.postgres import Postgres
from pgflow_runtime.errors import ProjectError
from pgflow_runtime.forks import OpenFile, keep

PATIENCE = 120
"""Seconds to wait for other commands that are starting or stopping the same server."""


class EmbeddedServer:
    """One process's hold on the project's server."""

    def __init__(self, project_root: Path) -> None:
        """Raises ProjectError where it is not installed."""
        require_installed()
        self.location: Location = location_of(project_root)
        self._postgres = Postgres(self.location)
        self._hold: int | None = None
        self._owner = 0

    @property
    def conninfo(self) -> str:
        # with the port, which PGPORT would decide otherwise
        return make_conninfo(
            "", host=str(self.location.sockets), port=PORT, user="postgres", dbname="postgres"
        )

    def acquire(self) -> None:
        """Start the server unless it runs, and hold it. Raises ProjectError when it does not start."""
        with self._serialised():
            hold = _open(self.location.folder / "holders")
            try:
                fcntl.flock(hold, fcntl.LOCK_SH)
                self._postgres.ensure_running()
            except BaseException:
                os.close(hold)
                raise
            self._hold, self._owner = hold, os.getpid()
            self._file = OpenFile(lambda: -1 if self._hold is None else self._hold)
            keep(self._file)

    def release(self) -> None:
        """Let go; the last one stops the server. May be called again."""
        if self._hold is None:
            return
        hold, self._hold = self._hold, None
        try:
            if self._owner != os.getpid():
                return  # a forked child: the lock is its parent's
            with self._serialised():
                fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._postgres.stop()
        except BlockingIOError:
            return  # others hold it
        finally:
            os.close(hold)

    @contextmanager
    def _serialised(self) -> Iterator[None]:
        gate = _open(self.location.folder / "lock")
        file = OpenFile(lambda: gate)
        keep(file)
        try:
            _wait_for(gate, self.location.folder)
            yield
        finally:
            del file
            os.close(gate)


def adopt_data(project_root: Path) -> str | None:
    """Take over the data in the project's place that was not made here; says what was taken over, if any.

    Raises ProjectError for another user's data.
    """
    server = EmbeddedServer(project_root)
    with server._serialised():
        return own.adopt(server.location)


@contextmanager
def embedded_server(project_root: Path) -> Iterator[str]:
    """The connection string of the project's own server, which runs at least as long as the block.

    Raises ProjectError when it cannot be started; the message shows the end of its log.
    """
    server = EmbeddedServer(project_root)
    server.acquire()
    try:
        yield server.conninfo
    finally:
        server.release()


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ProjectError(
            f"the embedded server's folder cannot be used: {error}",
            help="it may belong to another user: move it away, or name a server with --dsn",
        ) from error


def _wait_for(gate: int, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ProjectError(
                    f"another command has been starting or stopping the server in {folder} for {PATIENCE} s",
                    help="end that command, or name a server with --dsn",
                ) from None
            time.sleep(0.05)
        else:
            return
