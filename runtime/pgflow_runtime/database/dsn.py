"""Which database a command uses (specification/worker-and-client.md, "Which database").

``--dsn``, else PGFLOW_DSN, else the file that PGFLOW_DSN_FILE names, else EDGE_WORKER_DB_URL, as pgflow's own
workers have it, else DATABASE_URL, else libpq's own variables, else the embedded server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgflow_runtime.database.conninfo import SCHEMES, parse
from pgflow_runtime.errors import InvalidDsn
from pgflow_shared.system.files import NotText, read_text

LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")
"""The libpq variables whose presence means: there is a server, use it."""

CONNECT_TIMEOUT = 10
"""Seconds a connection attempt may take unless the DSN says otherwise, so that no command hangs."""

DEAD_AFTER = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Unless the DSN says otherwise, a TCP connection that nobody answers on is given up within half a minute,
as a worker's tasks are: libpq's own default is to wait for hours (seconds; the last in milliseconds)."""


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where to connect. ``conninfo`` is None for the embedded server; ``notes`` are for the user's eyes."""

    conninfo: str | None
    source: str
    """What named it: ``--dsn``, ``PGFLOW_DSN``, ``DATABASE_URL``, ``PGHOST``..., ``embedded``."""
    notes: tuple[str, ...] = ()

    @property
    def is_embedded(self) -> bool:
        return self.conninfo is None


@dataclass(frozen=True, slots=True)
class ReadDsn:
    """A replica to read from, and what named it: ``--read-dsn``, ``PGFLOW_READ_DSN``..."""

    conninfo: str
    source: str


def resolve_dsn(explicit: str | None = None, env: Mapping[str, str] = os.environ) -> Dsn:
    """The database to use. Raises InvalidDsn, naming the source, for an unreadable connection string."""
    if explicit is not None:
        return Dsn(normalize(explicit, source="--dsn"), "--dsn")
    if env.get("PGFLOW_DSN_FILE"):
        if env.get("PGFLOW_DSN"):
            raise InvalidDsn("PGFLOW_DSN and PGFLOW_DSN_FILE are both set; leave one of them out")
        return Dsn(_of_file(env["PGFLOW_DSN_FILE"], "PGFLOW_DSN_FILE"), "PGFLOW_DSN_FILE")
    if env.get("PGFLOW_DSN"):
        return Dsn(normalize(env["PGFLOW_DSN"], source="PGFLOW_DSN"), "PGFLOW_DSN")
    if env.get("EDGE_WORKER_DB_URL"):
        return Dsn(normalize(env["EDGE_WORKER_DB_URL"], source="EDGE_WORKER_DB_URL"), "EDGE_WORKER_DB_URL")
    notes: tuple[str, ...] = ()
    url = env.get("DATABASE_URL")
    if url:
        scheme = url.partition("://")[0].partition("+")[0].lower()
        if scheme in SCHEMES and "://" in url:
            return Dsn(normalize(url, source="DATABASE_URL"), "DATABASE_URL")
        kind = f"a {scheme} database" if "://" in url else "no PostgreSQL URL"
        notes = (f"DATABASE_URL names {kind}; ignored",)
    for name in LIBPQ_VARIABLES:
        if env.get(name):
            return Dsn(normalize("", source=name), name, notes)
    return Dsn(None, "embedded", notes)


def resolve_read_dsn(explicit: str | None = None, env: Mapping[str, str] = os.environ) -> ReadDsn | None:
    """The replica that pages and the doctor read: ``--read-dsn``, else PGFLOW_READ_DSN, else the file that
    PGFLOW_READ_DSN_FILE names. None where nothing names one. Raises InvalidDsn, naming the source.
    """
    if explicit is not None:
        return ReadDsn(normalize(explicit, source="--read-dsn"), "--read-dsn")
    text, file = env.get("PGFLOW_READ_DSN"), env.get("PGFLOW_READ_DSN_FILE")
    if text and file:
        raise InvalidDsn("PGFLOW_READ_DSN and PGFLOW_READ_DSN_FILE are both set; leave one of them out")
    if file:
        return ReadDsn(_of_file(file, "PGFLOW_READ_DSN_FILE"), "PGFLOW_READ_DSN_FILE")
    return ReadDsn(normalize(text, source="PGFLOW_READ_DSN"), "PGFLOW_READ_DSN") if text else None


def _of_file(name: str, source: str) -> str:
    """The connection string in a file, such as a mounted secret; a line break at its end does not count."""
    path = Path(name)
    if "://" in name or "password" in name:  # and must not be repeated
        raise InvalidDsn(
            f"{source} is a connection string, not the name of a file that holds one",
            help=f"set {source.removesuffix('_FILE')} instead, or name a file",
        )
    try:
        text = read_text(path)
    except (OSError, NotText) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InvalidDsn(
            f"{source} names {path}, which cannot be read: {why}",
            help="name a file that holds the connection string and nothing else",
        ) from None
    if not text.strip():
        raise InvalidDsn(
            f"{source} names {path}, which is empty",
            help="write the connection string into it, or mount the secret there",
        )
    return normalize(text, source=source)


def normalize(dsn: str, *, source: str = "the connection string") -> str:
    """libpq's form of a URL or key=value string: ``postgres://`` accepted, ``+driver`` stripped.

    A connect timeout of CONNECT_TIMEOUT seconds is added where none is given (PGCONNECT_TIMEOUT counts), and
    likewise DEAD_AFTER, unless a service file may say something else.
    Raises InvalidDsn, whose words repeat nothing that may belong to a password.
    """
    text = dsn.strip()
    if source in ("--dsn", "--read-dsn") and not text:
        raise InvalidDsn(f"{source} is empty")
    parts = parse(text, source)
    if "connect_timeout" not in parts and not os.environ.get("PGCONNECT_TIMEOUT"):
        parts["connect_timeout"] = CONNECT_TIMEOUT
    if not parts.get("service"):
        parts = {**DEAD_AFTER, **parts}
    return make_conninfo("", **parts)


def describe(conninfo: str) -> str:
    """Host, port and database for messages, without the password."""
    parts = conninfo_to_dict(conninfo)
    if parts.get("service"):
        return f"service {parts['service']}"
    host = parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "the local socket"
    port = parts.get("port") or os.environ.get("PGPORT")
    database = parts.get("dbname") or os.environ.get("PGDATABASE")
    where = f"{host}:{port}" if port else str(host)
    return f"{where}, database {database}" if database else where
