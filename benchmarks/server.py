"""The PostgreSQL server all engines are measured on: fresh, with durable defaults, gone afterwards."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks.hosts import NETWORK, Host
from pgflow_runtime.database.embedded.binaries import NEWEST, binaries
from pgflow_runtime.database.embedded.location import service_user

REPOSITORY = Path(__file__).resolve().parents[1]
DISTRIBUTION = Path("/usr/lib/postgresql")
PORT = "5432"
INITDB = ("initdb", "-D", "data", "-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust")

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # so that a checkpoint does not fall into one subject's time and not into another's
    "checkpoint_timeout": "1h",
    "max_wal_size": "8GB",
    "wal_keep_size": "4GB",  # for counting records afterwards
    "max_connections": "200",
}


class BenchmarkError(Exception):
    """Something that makes a measurement worthless; the text says what."""


@dataclass(frozen=True)
class Server:
    """A running server with a unix socket, and an address where it has hosts."""

    folder: Path
    programs: Path
    version: str
    postmaster: psutil.Process
    network: tuple[Host, ...] = ()
    """The host it runs on, and those that can reach it; none: this machine itself."""

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Where its workers can run, beside its own."""
        return self.network[1:]

    def from_afar(self, dsn: str) -> str:
        """A connection string as it reads on another host."""
        return make_conninfo(dsn, host=self.network[0].address)

    @property
    def wal(self) -> Path:
        return self.folder / "data" / "pg_wal"

    def dsn(self, database: str) -> str:
        return make_conninfo(host=str(self.folder), port=PORT, user="postgres", dbname=database)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make a database anew; returns its connection string."""
        self.drop_database(name)
        statement = sql.SQL("create database {} template {}")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        self._execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def commits_per_second(self, seconds: float = 1.0) -> float:
        """How many tiny transactions one session commits: what the disk allows whoever commits one by one."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute("create table floor (n int)")
            count, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                connection.execute("insert into floor values (1)")
                count += 1
            taken = time.perf_counter() - began
            connection.execute("drop table floor")
        return count / taken

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def cpu_seconds(self) -> float:
        """What all processes of this server have used so far, those that have ended included."""
        own = self.postmaster.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in self.postmaster.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.Error:
                continue  # it has just ended
            total += times.user + times.system
        return float(total)


def find_programs(wanted: str, copies: Path) -> Path:
    """The folder with ``postgres`` and ``initdb``.

    Args:
        wanted: ``auto`` (the distribution's newest, else the embedded one), a version, or a folder.
        copies: where root may put copies of the embedded programs, for another user to run.
    """
    if wanted == "auto":
        found = sorted(DISTRIBUTION.glob("*/bin/initdb"), key=lambda path: int(path.parents[1].name))
        return found[-1].parent if found else _embedded(NEWEST, copies)
    if wanted.isdigit():
        installed = DISTRIBUTION / wanted / "bin"
        return installed if (installed / "initdb").exists() else _embedded(int(wanted), copies)
    if not (Path(wanted) / "initdb").exists():
        raise BenchmarkError(f"there is no initdb in {wanted}: --postgres takes auto, a version or a folder")
    return Path(wanted)


def _embedded(version: int, copies: Path) -> Path:
    return binaries(version, copies if os.geteuid() == 0 else None)


@contextmanager
def running_server(
    wanted: str = "auto", where: Path | None = None, network: Sequence[Host] = ()
) -> Iterator[Server]:
    """A server on a new data folder in ``where`` (the temporary folder), on the first host of ``network``.

    At the end, and also when this process is killed, it is stopped and removed.
    """
    folder = Path(tempfile.mkdtemp(prefix="pgflow-bench-", dir=where)).absolute()
    with _cleared_away(folder, network):
        user = service_user() if os.geteuid() == 0 else None
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        programs = find_programs(wanted, folder)
        _run(programs, folder, user, *INITDB)
        process = _start(programs, folder, user, network)
        yield Server(folder, programs, _version(programs), process, tuple(network))


@contextmanager
def _cleared_away(folder: Path, network: Sequence[Host]) -> Iterator[None]:
    """Have a keeper end the server and remove the folder after the block, and when this process is killed."""
    names = [*(host.name for host in network), *{host.switch for host in network}]
    keeper = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.keeper", str(folder), *names],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert keeper.stdin is not None
    try:
        yield
    finally:
        keeper.stdin.close()
        keeper.wait()


def _start(programs: Path, folder: Path, user: str | None, network: Sequence[Host]) -> psutil.Process:
    addresses = ",".join(host.address for host in network[:1])
    lines = [f"{name} = '{value}'" for name, value in SETTINGS.items()]
    lines += [f"listen_addresses = '{addresses}'", f"port = {PORT}", f"unix_socket_directories = '{folder}'"]
    with (folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as hba:
        hba.write(f"host all all {NETWORK}.0/24 trust\n" if network else "")
    with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write("\n".join(lines) + "\n")
    prefix = network[0].prefix if network else ()
    _run(programs, folder, user, "pg_ctl", "-D", "data", "-l", "server.log", "-w", "start", prefix=prefix)
    pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    return psutil.Process(pid)


def _version(programs: Path) -> str:
    done = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("postgres (PostgreSQL) ").split()[0]


def _run(
    programs: Path,
    folder: Path,
    user: str | None,
    program: str,
    *arguments: str,
    prefix: tuple[str, ...] = (),
) -> None:
    command = [str(programs / program), *arguments]
    if user is not None and prefix:  # which root alone may run
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *command]
        user = None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    with (folder / f"{program}.log").open("wb") as sink:
        done = subprocess.run(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment | {"LC_ALL": "C"},
            check=False,
            start_new_session=True,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
        )
    if done.returncode != 0:
        paths = [path for path in (folder / f"{program}.log", folder / "server.log") if path.exists()]
        text = "".join(path.read_text(errors="replace") for path in paths)
        raise BenchmarkError(f"{program} failed:\n{text[-2000:]}")
