"""Flow migrations as the compiler writes them, and looks at a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.core import connect


@pytest.fixture
def content(bare_database_dsn: str) -> Callable[[], set[str]]:
    """A function that tells everything in the schemas pgflow and pgmq; empty for none."""

    def look() -> set[str]:
        query = """
            select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname in ('pgflow', 'pgmq')
            union all select nspname from pg_namespace where nspname in ('pgflow', 'pgmq')
        """
        with connect(bare_database_dsn) as connection:
            return {str(row[0]) for row in connection.execute(query)}

    return look


@pytest.fixture
def other_user(bare_database_dsn: str) -> Iterator[str]:
    """The dsn of the bare database for a new user who is no superuser and may only connect."""
    role = f"pgflow_user_{uuid4().hex[:8]}"
    database = str(conninfo_to_dict(bare_database_dsn)["dbname"])
    with connect(bare_database_dsn) as connection:
        connection.execute(sql.SQL("create role {} login password 'secret'").format(sql.Identifier(role)))
    yield make_conninfo(bare_database_dsn, user=role, password="secret")
    with connect(bare_database_dsn) as connection:
        connection.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(role)))
        revoke = sql.SQL("revoke all on database {} from {}")
        connection.execute(revoke.format(sql.Identifier(database), sql.Identifier(role)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
