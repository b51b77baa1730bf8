"""Names that somebody took before us: what is in such a schema runs with nobody's rights but theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import RaiseException

from pgflow_runtime.doctor import examine
from pgflow_runtime.errors import UntrustedSchema
from pgflow_runtime.migrate import migrate
from pgflow_runtime.project import find_project
from tests.support.core import Core, connect
from tests.support.databases import STUBS
from tests.support.migrations import migration

SEND = "realtime.send(payload jsonb, event text, topic text, private boolean default true)"
TRAP = "returns {} language plpgsql as $$ begin create role pgflow_was_here superuser; return {}; end $$"


class Mallory:
    """A user who may create schemas in the database, and no more."""

    def __init__(self, database: str) -> None:
        self.name = f"mallory_{uuid4().hex[:8]}"
        self.admin = database
        self.dsn = make_conninfo(database, user=self.name, password="secret")
        with connect(database) as connection:
            who, where = sql.Identifier(self.name), str(conninfo_to_dict(database)["dbname"])
            connection.execute(sql.SQL("create role {} login password 'secret'").format(who))
            connection.execute(
                sql.SQL("grant create on database {} to {}").format(sql.Identifier(where), who)
            )

    def runs(self, *statements: str) -> None:
        """As mallory; sessions begin as the server's user, so that no server's rules for logins matter."""
        with connect(self.admin) as connection:
            connection.execute(sql.SQL("set session authorization {}").format(sql.Identifier(self.name)))
            for statement in statements:
                connection.execute(statement.encode())

    def go(self) -> None:
        with connect(self.admin) as connection:
            who = sql.Identifier(self.name)
            connection.execute(sql.SQL("drop owned by {} cascade").format(who))
            connection.execute(sql.SQL("drop role {}").format(who))


@pytest.fixture
def mallory(bare_database_dsn: str) -> Iterator[Mallory]:
    found = Mallory(bare_database_dsn)
    yield found
    found.go()


def was_here(dsn: str) -> bool:
    with connect(dsn) as connection:
        query = "select exists (select from pg_roles where rolname = 'pgflow_was_here')"
        return bool(Core(connection).value(query))


PLANTED = {
    "realtime": [f"create function {SEND} {TRAP.format('void', '')}"],
    "pgmq": [
        "create type pgmq.message_record as (msg_id bigint, headers jsonb)",
        f"create function pgmq.create(queue_name text) {TRAP.format('void', '')}",
    ],
    "pgflow": [],
    "net": [],
    "cron": [],
    "vault": [],
}


@pytest.mark.parametrize("schema", PLANTED)
def test_a_schema_that_was_planted_is_refused_by_name_and_owner(
    bare_database_dsn: str, mallory: Mallory, schema: str
) -> None:
    mallory.runs(f"create schema {schema}", *PLANTED[schema])
    with pytest.raises(UntrustedSchema) as refused:
        migrate(bare_database_dsn, (migration(),))
    assert f"the schema {schema} belongs to {mallory.name}" in str(refused.value)
    assert f"alter schema {schema}" in (refused.value.help or "")
    assert not was_here(bare_database_dsn)


def test_a_core_of_another_user_is_not_even_asked_for_its_version(
    bare_database_dsn: str, mallory: Mallory, tmp_path: Path
) -> None:
    trap = TRAP.format("int", "1")
    mallory.runs(
        "create schema pgflow", f"create function pgflow.schema_version() {trap}",
        "create table pgflow.migrations (kind text, name text, digest text)",
        "grant usage on schema pgflow to public",
    )  # fmt: skip
    with pytest.raises(UntrustedSchema):
        migrate(bare_database_dsn)
    codes = {item.code for item in examine(bare_database_dsn, find_project(tmp_path), {})}
    assert "core.trust" in codes
    assert not was_here(bare_database_dsn)


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        (
            "alter function realtime.send(jsonb, text, text, boolean) owner to {0}",
            "the function realtime.send(",
        ),
        (
            "alter view vault.decrypted_secrets owner to {0}",
            "the view vault.decrypted_secrets belongs to {0}",
        ),
        ("grant create on schema net to {0}", "{0} may create functions in the schema net"),
        ("create schema pgmq; grant create on schema pgmq to public", "PUBLIC may create functions in the"),
        # membership is nothing that the owner of a role could not hand out
        (
            "alter schema realtime owner to {0}; grant {0} to current_user",
            "the schema realtime belongs to {0}",
        ),
    ],
)
def test_what_is_inside_counts_as_well(
    bare_database_dsn: str, mallory: Mallory, planted: str, told: str
) -> None:
    with connect(bare_database_dsn) as connection:
        connection.execute(STUBS.read_bytes())
        connection.execute(planted.format(mallory.name).encode())
    with pytest.raises(UntrustedSchema) as refused:
        migrate(bare_database_dsn)
    assert told.format(mallory.name) in str(refused.value)


def test_the_way_out_is_one(bare_database_dsn: str, mallory: Mallory) -> None:
    mallory.runs(
        "create schema pgmq", "create schema realtime", f"create function {SEND} {TRAP.format('void', '')}"
    )
    with connect(bare_database_dsn) as connection:
        connection.execute("alter schema pgmq owner to current_user")
        connection.execute("alter schema realtime rename to realtime_old")
    assert migrate(bare_database_dsn).core


def test_schemas_of_superusers_and_of_extensions_are_used(bare_database_dsn: str, mallory: Mallory) -> None:
    with connect(bare_database_dsn) as connection:
        connection.execute(STUBS.read_bytes())
        connection.execute(f"alter schema net owner to {mallory.name}".encode())
        connection.execute("alter extension plpgsql add schema net")
    try:
        assert migrate(bare_database_dsn).core
    finally:
        with connect(bare_database_dsn) as connection:
            connection.execute("alter extension plpgsql drop schema net")


def test_what_is_planted_later_is_not_run_either(
    bare_database_dsn: str, mallory: Mallory, tmp_path: Path
) -> None:
    migrate(bare_database_dsn, (migration(),))
    mallory.runs(
        "create schema realtime", f"create function {SEND} {TRAP.format('void', '')}",
        "grant usage on schema realtime to public", "create schema net", "create schema cron",
    )  # fmt: skip
    with connect(bare_database_dsn) as connection:
        core = Core(connection)
        core.start_flow("crawl", {})
        core.work("crawl", [1])
        for statement in ("select pgflow.ensure_workers()", "select pgflow.setup_ensure_workers_cron()"):
            with pytest.raises(RaiseException, match="belongs to somebody"):
                connection.execute(statement)
            connection.rollback()
    assert not was_here(bare_database_dsn)
    told = [item.message for item in examine(bare_database_dsn, find_project(tmp_path), {})]
    assert any(f"the schema realtime belongs to {mallory.name}" in message for message in told)


def test_events_are_sent_through_a_schema_of_the_owners_own(bare_database_dsn: str) -> None:
    with connect(bare_database_dsn) as connection:
        connection.execute(STUBS.read_bytes())
    migrate(bare_database_dsn, (migration(),))
    with connect(bare_database_dsn) as connection:
        core = Core(connection)
        core.start_flow("crawl", {})
        assert core.value("select count(*) from realtime.messages") == 2
