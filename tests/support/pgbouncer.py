"""A pgbouncer in transaction mode in front of the tests' server; from Debian's package."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.wait import eventually

NOBODY = 65534
"""pgbouncer refuses to run as root; it runs as whoever owns the server's socket, else as this user."""


def binary() -> str | None:
    """Where pgbouncer is, if it is."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def why_not(server_dsn: str) -> str | None:
    """The reason why no pgbouncer can be had here, or None."""
    if binary() is None:
        return "there is no pgbouncer: apt-get install pgbouncer (as .ci/run does where it may)"
    if not str(conninfo_to_dict(server_dsn).get("host", "")).startswith("/"):
        return "the server of PGFLOW_TEST_DSN is not reached by a unix socket: its passwords would be needed"
    return None


@contextmanager
def transaction_pooler(server_dsn: str, dbname: str, *, size: int = 3) -> Iterator[str]:
    """A pooler on loopback that has ``size`` connections to a database; yields the dsn through it."""
    command = binary()
    assert command is not None
    server = conninfo_to_dict(server_dsn)
    folder = Path(tempfile.mkdtemp(prefix="pgflow-bouncer-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    target = f"host={server['host']} port={server.get('port', 5432)} user={server.get('user', 'postgres')}"
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"""[databases]
{dbname} = {target} dbname={dbname}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
server_reset_query =
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
""",
        encoding="utf-8",
    )
    folder.chmod(0o755)
    user = {"user": os.stat(str(server["host"])).st_uid or NOBODY} if os.geteuid() == 0 else {}
    log = folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen([command, str(config)], stdout=sink, stderr=subprocess.STDOUT, **user)  # type: ignore[call-overload]
    dsn = make_conninfo(
        "", host="127.0.0.1", port=port, dbname=dbname, user=str(server.get("user", "postgres"))
    )
    try:
        eventually(lambda: _answers(dsn, process, log))
        yield dsn
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(dsn: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"pgbouncer ended:\n{log.read_text()}")
    try:
        with psycopg.connect(dsn, prepare_threshold=None) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError as error:
        raise AssertionError(f"{error}\n{log.read_text()}") from error
