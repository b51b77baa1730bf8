"""``pgflow.migrations``: which files a database has had, by name and digest; and its development mark."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, TypeAlias

import psycopg

from pgflow_runtime.database.store import text_of
from pgflow_runtime.errors import MigrationFailed, PermissionDenied

Kind: TypeAlias = Literal["core", "flow"]

_MARK = "development: pgflow-gen migrate may recreate flows here"


def digest_of(text: str) -> str:
    """``sha256:<hex>`` of a file's text; line ends of Windows do not count."""
    return f"sha256:{hashlib.sha256(text.replace(chr(13) + chr(10), chr(10)).encode()).hexdigest()}"


def applied(connection: psycopg.Connection[Any], kind: Kind) -> dict[str, str]:
    """Digest by name of the files of one kind this database has had."""
    rows = connection.execute("select name, digest from pgflow.migrations where kind = %s", [kind])
    return {str(name): str(digest) for name, digest in rows}


def record(connection: psycopg.Connection[Any], kind: Kind, name: str, digest: str) -> None:
    """Write down that a file was applied, or applied again with another content."""
    connection.execute(
        "insert into pgflow.migrations (kind, name, digest) values (%s, %s, %s)"
        " on conflict (kind, name) do update set digest = excluded.digest, applied_at = now()",
        [kind, name, digest],
    )


def run_script(connection: psycopg.Connection[Any], name: str, text: str) -> None:
    """Run a file of statements. Raises MigrationFailed with the file's name and line."""
    try:
        connection.execute(text.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise PermissionDenied(f"{name}: {error.diag.message_primary}") from error
    except psycopg.Error as error:
        place = f"{name}{_line(error, text)}"
        raise MigrationFailed(f"{place}: {text_of(error)}; nothing was changed") from error


def mark_development(connection: psycopg.Connection[Any]) -> None:
    """Allow flows to be recreated in this database, now and later."""
    connection.execute(f"comment on table pgflow.migrations is '{_MARK}'")


def is_development(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "select obj_description('pgflow.migrations'::regclass, 'pg_class') = %s", [_MARK]
    ).fetchone()
    return bool(row and row[0])


def _line(error: psycopg.Error, text: str) -> str:
    position = error.diag.statement_position
    return f", line {text[: int(position) - 1].count(chr(10)) + 1}" if position else ""
