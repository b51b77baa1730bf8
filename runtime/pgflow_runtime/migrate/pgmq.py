"""The queue: a present pgmq >= 1.5, else the server's extension, else the SQL in the PyPI package pgmq.

An installed pgmq is never upgraded.
"""

from __future__ import annotations

from typing import Any

import psycopg
from pgmq.install import get_embedded_install_sql, get_embedded_sql_version
from psycopg import errors as pg
from psycopg import sql

from pgflow_runtime.errors import PgmqTooOld
from pgflow_runtime.migrate.ledger import run_script

OLDEST = (1, 5)
"""The first version whose messages have headers (specification/core.md, "Environment")."""

_CANNOT = (
    pg.InsufficientPrivilege,
    pg.UndefinedFile,
    pg.FeatureNotSupported,
    pg.ObjectNotInPrerequisiteState,
)


def ensure_pgmq(connection: psycopg.Connection[Any], notes: list[str]) -> str:
    """Install pgmq unless it is there.

    Returns ``present``, ``extension <version>`` or ``bundled SQL <version>``.
    Raises PgmqTooOld for a present one before 1.5.
    """
    if _is_present(connection):
        return "present"
    offered = _offered(connection)
    if offered is not None:
        try:
            with connection.transaction():
                statement = sql.SQL("create extension pgmq version {}").format(sql.Literal(offered))
                connection.execute(statement)
        except _CANNOT as error:
            notes.append(
                f"the server offers the extension pgmq {offered}, but it cannot be created here"
                f" ({error.diag.message_primary}); the bundled SQL was used instead"
            )
        else:
            return f"extension {offered}"
    run_script(connection, "pgmq.sql", get_embedded_install_sql())
    return f"bundled SQL {get_embedded_sql_version()}"


def _is_present(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        """
        select count(*) > 0, coalesce(bool_or(a.attname = 'headers'), false)
        from pg_catalog.pg_type t
        join pg_catalog.pg_namespace n on n.oid = t.typnamespace
        join pg_catalog.pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        where n.nspname = 'pgmq' and t.typname = 'message_record'
        """
    ).fetchone()
    assert row is not None
    if row[0] and not row[1]:
        version = connection.execute("select extversion from pg_extension where extname = 'pgmq'").fetchone()
        name = f"pgmq {version[0]}" if version else "a pgmq from before version 1.5"
        raise PgmqTooOld(f"this database holds {name}; pgflow needs 1.5 or newer, for its messages' headers")
    return bool(row[0])


def _offered(connection: psycopg.Connection[Any]) -> str | None:
    """The extension's default version if it is new enough, else the newest that is."""
    rows = connection.execute(
        """
        select v.version, v.version = e.default_version
        from pg_catalog.pg_available_extension_versions v
        join pg_catalog.pg_available_extensions e using (name)
        where v.name = 'pgmq'
        """
    ).fetchall()
    usable = [(bool(is_default), _numbers(version), version) for version, is_default in rows]
    usable = [item for item in usable if item[1] >= OLDEST]
    return max(usable)[2] if usable else None


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts if part.isdigit())
