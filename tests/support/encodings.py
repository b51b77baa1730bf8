"""Databases that are not encoded in UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.support.server import Server, name_of


@contextmanager
def other_encoding(server: Server, encoding: str) -> Iterator[str]:
    """An empty database of an encoding; yields its dsn, and drops it."""
    dsn = server.create_database()
    name = sql.Identifier(name_of(dsn))
    create = "create database {} encoding {} template template0 lc_collate 'C' lc_ctype 'C'"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {}").format(name))
        connection.execute(sql.SQL(create).format(name, sql.Literal(encoding)))
    try:
        yield dsn
    finally:
        server.drop_database(dsn)
