"""The way to the database and back: connections, and psycopg's errors as our own classes.

Nothing above this layer catches ``psycopg.Error``.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolClosed

from pgflow_runtime.database import ADMIN, connect
from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.database.conninfo import without_secrets
from pgflow_runtime.database.dsn import describe
from pgflow_runtime.database.refusals import Refusal, is_lost, refusal_of_state
from pgflow_runtime.errors import (
    BY_SQLSTATE,
    ClientClosed,
    ConnectionFailed,
    CoreError,
    CoreMissing,
    CoreTooNew,
    CoreTooOld,
    DatabaseError,
    PermissionDenied,
    PgflowError,
)
from pgflow_sql import SCHEMA_VERSION

_NO_DATABASE = re.compile(r'database ".*" does not exist|no such database')
_ELSEWHERE = ("0A000", "25006", "26000", "42P05")
"""The server was reached and said no, though another connection may be the cure."""
_MISSING = (pg.InvalidSchemaName, pg.UndefinedFunction, pg.UndefinedTable, pg.UndefinedObject)


def from_psycopg(error: psycopg.Error, conninfo: str | None = None) -> PgflowError:
    """Our error for one of psycopg's; ``conninfo`` lets a failed connection say where it went."""
    sqlstate = error.sqlstate
    if isinstance(error, PoolClosed):
        return ClientClosed("the client is closed")
    if sqlstate in BY_SQLSTATE:
        return _from_core(BY_SQLSTATE[sqlstate], error)
    text = text_of(error)
    if isinstance(error, _MISSING) and re.search(r"\bpgflow\b|task_result", text):
        return CoreMissing(f"this database does not hold what pgflow needs ({text})")
    if isinstance(error, pg.UndefinedColumn) and error.diag.context is None:
        # a statement of ours, and not what a function or a trigger does for it
        return CoreTooOld(
            f"the database has an older draft of pgflow's schema than this program needs ({text})"
        )
    if isinstance(error, pg.InsufficientPrivilege):
        return PermissionDenied(text)
    if is_lost(error) and sqlstate not in _ELSEWHERE:
        missing = _missing_database(error, conninfo)
        if missing is not None:
            return missing
        where = f" {describe(conninfo)}" if conninfo is not None else " the database"
        return ConnectionFailed(f"cannot reach{where}: {without_secrets(text, conninfo)}")
    failure = DatabaseError(text)
    failure.sqlstate = sqlstate
    return failure


def is_passing(error: PgflowError) -> bool:
    """Whether the same may well succeed in a moment: lost connections, deadlocks, cancelled statements."""
    if isinstance(error, ConnectionFailed):
        return True
    state = error.sqlstate if isinstance(error, DatabaseError) else None
    return state is not None and refusal_of_state(state) is not Refusal.FINAL


class Patience:
    """How long a call that may be repeated is: so many seconds from its first refusal, and once at least."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None
        self._backoff = Backoff()

    def pause_after(self, error: PgflowError) -> float:
        """Seconds until the call is to be repeated. Raises an error that does not pass, or not in time."""
        now = monotonic()
        if not is_passing(error) or (self._until is not None and now >= self._until):
            raise error
        if self._until is None:
            self._until = now + self._seconds
        return self._backoff.pause()


@contextmanager
def translated(conninfo: str | None = None) -> Iterator[None]:
    """Turn psycopg's errors raised inside into ours."""
    try:
        yield
    except psycopg.Error as error:
        raise from_psycopg(error, conninfo) from error


@contextmanager
def connected(
    conninfo: str, *, autocommit: bool = False, **options: Any
) -> Iterator[psycopg.Connection[Any]]:
    """A connection; commits at the end, rolls back on an error. Raises ConnectionFailed."""
    with (
        translated(conninfo),
        connect(conninfo, ADMIN, autocommit=autocommit, **options) as connection,
    ):
        yield connection


def check_core_version(version: int, oldest_program: int) -> None:
    """Whether this program and the database's core go together.

    Args:
        version: what ``pgflow.schema_version()`` says.
        oldest_program: the oldest program that core still serves, by ``pgflow.oldest_program()``.

    Raises:
        CoreTooOld, CoreTooNew: which of the two has to be brought up to date.
    """
    if version < SCHEMA_VERSION:
        raise CoreTooOld(
            f"the database has version {version} of pgflow's schema, this program needs {SCHEMA_VERSION}"
        )
    if oldest_program > SCHEMA_VERSION:
        raise CoreTooNew(
            f"the database has version {version} of pgflow's schema, which serves programs from version"
            f" {oldest_program} on; this program knows {SCHEMA_VERSION}"
        )


def _from_core(kind: type[CoreError], error: psycopg.Error) -> CoreError:
    return kind(error.diag.message_primary or None, help=error.diag.message_hint or None)


def text_of(error: psycopg.Error) -> str:
    """What PostgreSQL said, in one line."""
    said = re.sub(r"\s*Is the server running .*\?", "", str(error), flags=re.DOTALL).strip()
    parts = [error.diag.message_primary or said or type(error).__name__]
    if error.diag.message_detail:
        parts.append(f"({error.diag.message_detail})")
    return " ".join(" ".join(parts).split())


def _missing_database(error: psycopg.Error, conninfo: str | None) -> ConnectionFailed | None:
    """The server answers, but has no such database."""
    if error.sqlstate != "3D000" and not _NO_DATABASE.search(str(error)):
        return None
    parts = conninfo_to_dict(conninfo) if conninfo is not None else {}
    name = parts.get("dbname") or parts.get("user") or os.environ.get("PGDATABASE") or "of that name"
    options = {"-h": parts.get("host"), "-p": parts.get("port"), "-U": parts.get("user")}
    words = [word for option, value in options.items() if value for word in (option, str(value))]
    command = shlex.join(["createdb", *words, str(name)])
    where = f" at {describe(conninfo)}" if conninfo is not None else ""
    return ConnectionFailed(
        f"the server{where}, is there, but it has no database {name}".replace(f", database {name},", ","),
        help=f"create it: {command}; or name another in --dsn, PGFLOW_DSN or DATABASE_URL",
    )
