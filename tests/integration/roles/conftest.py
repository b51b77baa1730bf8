"""Users of a database whose core has roles. Roles are the server's: what was made here goes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgflow_runtime.migrate import migrate
from pgflow_runtime.migrate.roles import CALLERS, OWNER
from tests.support.migrations import migration
from tests.support.server import Server

NewUser = Callable[..., str]


@pytest.fixture(scope="session")
def own_roles(postgres_server: Server) -> Iterator[None]:
    """Drops the roles at the end, unless they were there before or other databases use them."""
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        before = {row[0] for row in connection.execute("select rolname from pg_roles").fetchall()}
    yield
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        for role in {OWNER, *CALLERS} - before:
            try:
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))
            except psycopg.errors.DependentObjectsStillExist:
                continue


@pytest.fixture
def new_user(own_roles: None, bare_database_dsn: str) -> Iterator[NewUser]:
    """A function from the roles a new login shall be a member of, and other options, to its dsn."""
    names: list[str] = []

    def make(*roles: str, options: str = "") -> str:
        names.append(f"pgflow_user_{uuid4().hex[:8]}")
        user = sql.Identifier(names[-1])
        with psycopg.connect(bare_database_dsn) as connection:
            statement = sql.SQL("create role {} login password 'secret' " + options)
            connection.execute(statement.format(user))
            for role in roles:
                connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), user))
        return make_conninfo(bare_database_dsn, user=names[-1], password="secret")

    yield make
    with psycopg.connect(bare_database_dsn) as connection:
        for name in names:
            connection.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(name)))
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


@pytest.fixture
def with_roles(bare_database_dsn: str, own_roles: None) -> str:
    """A database with the core, its roles, and the flow ``crawl``."""
    migrate(bare_database_dsn, (migration(),), roles=True)
    return bare_database_dsn
