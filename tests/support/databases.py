"""Template databases: what is installed in a test database, and from where.

* bare: empty, nothing installed
* plain: pgmq and the core, as on a server outside Supabase
* full: the same plus stubs of what Supabase brings (realtime, vault, net, cron), loaded before the core
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from pgmq.install import get_embedded_install_sql

from pgflow_sql import schema_files
from tests.support.server import Server, name_of

STUBS = Path(__file__).with_name("stubs.sql")


class Templates:
    """Builds each kind of database once per server; the tests get copies."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._dsns: dict[str, str] = {}

    def clone(self, kind: str) -> str:
        """A new database of the kind ``bare``, ``plain`` or ``full``; returns its dsn."""
        if kind == "bare":
            return self.server.create_database()
        if kind not in self._dsns:
            self._dsns[kind] = self._build(kind)
        return self.server.create_database(name_of(self._dsns[kind]))

    def _build(self, kind: str) -> str:
        dsn = self.server.create_database()
        with psycopg.connect(dsn) as connection:
            connection.execute(get_embedded_install_sql())
            if kind == "full":
                connection.execute(STUBS.read_text(encoding="utf-8"))
            load_core(connection)
        return dsn


def clean(connection: psycopg.Connection[object]) -> None:
    """Remove all flows, runs, workers, queues and events; afterwards the database is as good as new."""
    connection.execute("select pgmq.drop_queue(queue_name) from pgmq.list_queues()")
    tables = connection.execute(
        """select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables
           where schemaname in ('pgflow', 'realtime')"""
    ).fetchone()
    assert isinstance(tables, tuple)
    connection.execute(f"truncate {tables[0]} restart identity".encode())


def load_core(connection: psycopg.Connection[object]) -> None:
    """Run the core's schema files in order of their names, in the connection's transaction."""
    for file in schema_files():
        try:
            connection.execute(file.text.encode())
        except psycopg.Error as error:
            raise RuntimeError(f"{file.name} does not load: {error}") from error
