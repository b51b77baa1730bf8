"""A PostgreSQL of a test's own, to be killed, starved and started again.

Its commits survive the server's death (``synchronous_commit`` is on); they need not survive the machine's,
so nothing is flushed to the disk. Which version: see ``server.py``; PGFLOW_TEST_DSN does not apply here.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.server import PREFIX, embedded, end, lives, until_dead
from tests.support.wait import eventually

SETTINGS = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "1h", "timezone": "UTC"}


class OwnServer:
    """A cluster in ``data``, reached through a unix socket there and, where asked for, by TCP."""

    def __init__(self, data: Path, settings: Mapping[str, str], prefix: tuple[str, ...] = ()) -> None:
        self.data = data
        self.settings = {**SETTINGS, "listen_addresses": "", "unix_socket_directories": str(data), **settings}
        self.prefix = prefix
        """A command that runs the server, such as ``ip netns exec NAME``."""
        self._embedded = embedded(data)
        self._user: str | None = self._embedded.system_user
        self._log = data / "log"

    @property
    def dsn(self) -> str:
        return f"host={self.data} user=postgres dbname=postgres"

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def create(self, name: str, template: str = "template1") -> str:
        """A new database, in place of one of that name; returns its dsn."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)".encode())
            connection.execute(f"create database {name} template {template}".encode())
        return make_conninfo(self.dsn, dbname=name)

    def init(self) -> None:
        self._embedded.ensure_pgdata_inited()
        self.configure()

    def configure(self) -> None:
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in self.settings.items())

    def start(self) -> None:
        """Start it, after a crash too; returns once it takes connections."""
        self._run(
            "pg_ctl", "-w", "-t", "60", "-s", "-l", str(self._log), "-D", str(self.data), "start",
            prefix=self.prefix,
        )  # fmt: skip

    def stop_at_once(self) -> None:
        """An immediate shutdown: sessions are cut off, nothing is written back."""
        self._run("pg_ctl", "-w", "-s", "-m", "immediate", "-D", str(self.data), "stop")

    def kill(self) -> None:
        """kill -9 of the postmaster; its children notice and end by themselves."""
        postmaster = self.postmaster()
        children = postmaster.children(recursive=True)
        postmaster.send_signal(signal.SIGKILL)
        until_dead(children, timeout=30)
        psutil.wait_procs([postmaster], timeout=30)  # its number too must be free: it stands in lock files

    def kill_backend(self) -> None:
        """kill -9 of one session's process: the server throws out everybody and recovers."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            row = connection.execute(
                "select pid from pg_stat_activity where backend_type = 'client backend' "
                "and pid <> pg_backend_pid() order by random() limit 1"
            ).fetchone()
        if row is not None:
            os.kill(row[0], signal.SIGKILL)
        time.sleep(0.05)  # until the postmaster has heard of it; then until it takes connections again
        eventually(self.is_up)

    def is_up(self) -> bool:
        try:
            with psycopg.connect(self.dsn, connect_timeout=5):
                return True
        except psycopg.OperationalError:
            return False

    def is_running(self) -> bool:
        try:
            return lives(self.postmaster())
        except (OSError, psutil.Error):
            return False

    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))

    def _run(self, program: str, *arguments: str, prefix: tuple[str, ...] = ()) -> None:
        command = [str(self._embedded.bin_path / program), *arguments]
        if self._user is not None:
            command = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--init-groups", *command]
        done = subprocess.run(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no pipe: the server would inherit and keep it
            stderr=subprocess.DEVNULL,
            cwd="/",
            check=False,
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{self.log}"


@contextmanager
def own_server(
    *, settings: Mapping[str, str] | None = None, data: Path | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[OwnServer]:
    """A running server; gone afterwards, whatever state it is in. ``data``: an empty folder to use."""
    folder = data or Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    server = OwnServer(folder, settings or {}, prefix)
    try:
        server.init()
        server.start()
        yield server
    finally:
        end(folder)
        shutil.rmtree(folder, ignore_errors=True)
