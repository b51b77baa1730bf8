"""The SQL core: which of its migrations a database still needs, and whether the schema there is ours."""

from __future__ import annotations

from typing import Any

import psycopg

from pgflow_runtime.errors import CoreTooNew, ForeignSchema, MigrationChanged
from pgflow_runtime.migrate.ledger import applied, digest_of, record, run_script
from pgflow_sql import SCHEMA_VERSION, SqlFile, closing_files, migration_files


def install_core(connection: psycopg.Connection[Any], notes: list[str]) -> list[str]:
    """Apply the core's missing migrations, in order; returns their names.

    Raises ForeignSchema, CoreTooNew, MigrationChanged, MigrationFailed.
    """
    files = migration_files()
    if _is_free(connection):
        todo = list(files)
    else:
        version = _version(connection)
        if version > SCHEMA_VERSION:
            raise CoreTooNew(
                f"this database has version {version} of pgflow's schema, this program knows {SCHEMA_VERSION}"
            )
        done = applied(connection, "core")
        if not done:
            done = _adopt(connection, files, version, notes)
        _compare(files, done)
        todo = [file for file in files if file.name not in done]
    for file in todo:
        run_script(connection, file.name, file.text)
        record(connection, "core", file.name, digest_of(file.text))
    if todo:
        # A function that is made is open to everybody and has no settings, whatever its migration thought of.
        for file in closing_files():
            run_script(connection, file.name, file.text)
    return [file.name for file in todo]


def number_of(file: SqlFile) -> int:
    """The version a core migration leads to: the number its name starts with."""
    return int(file.name.partition("_")[0])


def _is_free(connection: psycopg.Connection[Any]) -> bool:
    """No schema pgflow, or one made for us that holds nothing yet."""
    row = connection.execute(
        """
        select not exists (select from pg_catalog.pg_class where relnamespace = n.oid)
           and not exists (select from pg_catalog.pg_proc where pronamespace = n.oid)
           and not exists (select from pg_catalog.pg_type where typnamespace = n.oid)
        from pg_catalog.pg_namespace n where nspname = 'pgflow'
        """
    ).fetchone()
    return row is None or bool(row[0])


def _version(connection: psycopg.Connection[Any]) -> int:
    ours = connection.execute(
        "select to_regprocedure('pgflow.schema_version()') is not null"
        " and to_regclass('pgflow.migrations') is not null"
    ).fetchone()
    if not (ours and ours[0]):
        raise ForeignSchema
    row = connection.execute("select pgflow.schema_version()").fetchone()
    assert row is not None
    return int(row[0])


def _adopt(
    connection: psycopg.Connection[Any], files: tuple[SqlFile, ...], version: int, notes: list[str]
) -> dict[str, str]:
    """The core came by another migration tool (``install``): write down what that amounts to."""
    present = {file.name: digest_of(file.text) for file in files if number_of(file) <= version}
    for name, digest in present.items():
        record(connection, "core", name, digest)
    notes.append(f"the core was installed by another tool; version {version} was taken as it is")
    return present


def _compare(files: tuple[SqlFile, ...], done: dict[str, str]) -> None:
    for file in files:
        if file.name in done and done[file.name] != digest_of(file.text):
            raise MigrationChanged(
                f"the core's migration {file.name} was applied to this database with another content",
                help="this database was made by an unreleased version: drop its schemas pgflow and pgmq,"
                " or use a new database",
            )
