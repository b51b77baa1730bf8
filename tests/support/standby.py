"""A streaming standby of a test's own server: a base backup that follows its primary through a socket."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.own_server import OwnServer
from tests.support.server import PREFIX, end
from tests.support.wait import eventually

LOGGED = {"log_statement": "all", "log_line_prefix": "%a|"}
"""Settings of servers whose logs tell who has said what: see ``said_by``."""

_REPLAYED = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
_WRITTEN = "select pg_current_wal_insert_lsn()::text"


class Standby(OwnServer):
    """Follows ``primary`` until it is stopped; what it is asked is answered from what it has replayed."""

    def __init__(self, data: Path, primary: OwnServer, settings: Mapping[str, str]) -> None:
        super().__init__(data, settings)
        self.primary = primary

    def init(self) -> None:
        if self._user is not None:
            shutil.chown(self.data, self._user, self._user)
        self._run("pg_basebackup", "-D", str(self.data), "-d", self.primary.dsn, "-R", "-c", "fast")
        for left in (self._log, *self.data.glob(".s.PGSQL.*")):  # of the primary, whose folder held them too
            left.unlink(missing_ok=True)
        self.configure()

    def until_current(self) -> None:
        """Wait until it has replayed what is committed by now."""
        with psycopg.connect(self.primary.dsn, autocommit=True) as primary:
            row = primary.execute(_WRITTEN).fetchone()
        with psycopg.connect(self.dsn, autocommit=True) as standby:
            eventually(lambda: (standby.execute(_REPLAYED, row).fetchone() or (False,))[0])

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It receives, and replays nothing."""
        self.until_current()
        self.execute("select pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.execute("select pg_wal_replay_resume()")

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """A statement's rows; what is said so does not count as ``said_by`` anybody."""
        with psycopg.connect(self.dsn, autocommit=True, application_name="test") as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def said_by(server: OwnServer, application: str) -> list[str]:
    """The statements that an application has sent, by the server's log."""
    lines = server.log.replace("\n\t", " ").splitlines()  # a statement of several lines is indented
    return [line for line in lines if line.startswith(f"{application}|LOG:")]


@contextmanager
def standby_of(primary: OwnServer, settings: Mapping[str, str] | None = None) -> Iterator[Standby]:
    """A running standby; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    server = Standby(folder, primary, settings or {})
    try:
        server.init()
        server.start()
        yield server
    finally:
        end(folder)
        shutil.rmtree(folder, ignore_errors=True)
