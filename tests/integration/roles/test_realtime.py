"""Events on Supabase with roles: its sender runs as its caller, behind row security, and swallows errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgflow_runtime.migrate import migrate
from pgflow_runtime.migrate.roles import CALLERS, CLIENT, OWNER, has_roles
from tests.support.core import Core, connect
from tests.support.databases import STUBS
from tests.support.migrations import migration
from tests.support.project import Project

NewUser = Callable[..., str]


@pytest.fixture
def supabase_dsn(bare_database_dsn: str, own_roles: None) -> str:
    with connect(bare_database_dsn) as connection:
        connection.execute(STUBS.read_text(encoding="utf-8").encode())
    return bare_database_dsn


def run_as_admin(dsn: str, statements: str) -> None:
    with connect(dsn) as connection:
        connection.execute(statements.encode())


def events_of_a_start(client_dsn: str, admin_dsn: str) -> list[str]:
    with connect(client_dsn) as connection:
        run = Core(connection).start_flow("crawl", {})
    with connect(admin_dsn) as connection:
        return Core(connection).event_names(run.run_id)


def migrating(dsn: str, new_user: NewUser) -> str:
    """A user as on Supabase: no superuser, may make roles and schemas; realtime is another's."""
    user = new_user(options="createrole")
    name = conninfo_to_dict(user)["user"]
    with connect(dsn) as connection:
        database = conninfo_to_dict(dsn)["dbname"]
        connection.execute(f"grant create on database {database} to {name}".encode())
        for role in (OWNER, *CALLERS):
            if connection.execute("select from pg_roles where rolname = %s", [role]).rowcount:
                connection.execute(f"grant {role} to {name} with admin option".encode())
    return user


def test_events_of_the_owner_arrive(supabase_dsn: str, new_user: NewUser) -> None:
    assert migrate(supabase_dsn, (migration(),), roles=True).notes == []
    assert events_of_a_start(new_user(CLIENT), supabase_dsn)[:2] == ["run:started", "step:urls:started"]
    with connect(supabase_dsn) as connection:
        ((topics,),) = connection.execute("select count(distinct topic) from realtime.messages").fetchall()
        connection.execute(f"set role {OWNER}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("insert into realtime.messages (topic) values ('somebody else''s')")
    assert topics == 1, "what was tried stays nowhere"


def test_no_policy_where_none_is_needed(supabase_dsn: str, new_user: NewUser) -> None:
    run_as_admin(supabase_dsn, "alter table realtime.messages disable row level security")
    assert migrate(supabase_dsn, (migration(),), roles=True).notes == []
    assert events_of_a_start(new_user(CLIENT), supabase_dsn)[0] == "run:started"
    with connect(supabase_dsn) as connection:
        assert connection.execute("select policyname from pg_policies").fetchall() == []


def test_a_sender_with_its_owners_rights_needs_no_more(supabase_dsn: str, new_user: NewUser) -> None:
    run_as_admin(supabase_dsn, "alter function realtime.send(jsonb, text, text, boolean) security definer")
    assert migrate(supabase_dsn, (migration(),), roles=True).notes == []
    assert events_of_a_start(new_user(CLIENT), supabase_dsn)[0] == "run:started"


def test_what_an_administrator_must_run_is_told_and_suffices(supabase_dsn: str, new_user: NewUser) -> None:
    migrator = migrating(supabase_dsn, new_user)
    (note,) = (text for text in migrate(migrator, (migration(),), roles=True).notes if "realtime" in text)
    assert events_of_a_start(new_user(CLIENT), supabase_dsn) == []
    run_as_admin(supabase_dsn, note.split("let an administrator run: ")[1])
    assert [text for text in migrate(migrator, (), roles=True).notes if "realtime" in text] == []
    assert events_of_a_start(new_user(CLIENT), supabase_dsn)[0] == "run:started"


@pytest.mark.parametrize(
    "rights",
    [
        "",
        "grant usage on schema realtime to public;"
        " revoke execute on function realtime.send(jsonb, text, text, boolean) from public",
        "grant execute on function realtime.send(jsonb, text, text, boolean) to public",
    ],
    ids=["none", "usage", "execute"],
)
def test_runs_start_where_the_sender_may_not_be_used(
    rights: str, supabase_dsn: str, new_user: NewUser
) -> None:
    run_as_admin(supabase_dsn, rights)
    migrate(migrating(supabase_dsn, new_user), (migration(),), roles=True)
    assert events_of_a_start(new_user(CLIENT), supabase_dsn) == []


def test_a_project_may_say_that_roles_are_set_up(supabase_dsn: str, tmp_path: Path) -> None:
    project = Project.make(tmp_path, {"flows/a.py": ""}, "roles = true\n")
    said = project.ok("migrate", "--core-only", "--dsn", supabase_dsn).stdout
    with connect(supabase_dsn) as connection:
        assert has_roles(connection), said
