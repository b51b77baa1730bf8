"""Setting the roles up: repeatable, in races, by users with few rights, and kept by later migrations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgflow_runtime.errors import PermissionDenied
from pgflow_runtime.migrate import core as core_migrations
from pgflow_runtime.migrate import migrate
from pgflow_runtime.migrate.roles import CALLERS, CLIENT, OPERATOR, OWNER, WORKER, has_roles
from pgflow_sql import SqlFile, migration_files
from tests.support.core import Core, connect
from tests.support.migrations import migration

NewUser = Callable[..., str]

NEXT = SqlFile(
    "0002_next.sql",
    """
    create function pgflow.brand_new() returns int language sql as 'select 2';
    create table pgflow.brand_new (x int);
    create or replace function pgflow.schema_version() returns int language sql immutable parallel safe
      security definer set search_path = pg_catalog, pg_temp as 'select 2';
    """,
)


def owners(dsn: str) -> set[str]:
    """Who owns anything of the core's."""
    query = """
        select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'pgflow'
        union select pg_get_userbyid(relowner) from pg_class where relnamespace = 'pgflow'::regnamespace
        union select pg_get_userbyid(proowner) from pg_proc where pronamespace = 'pgflow'::regnamespace
        union select pg_get_userbyid(typowner) from pg_type where typnamespace = 'pgflow'::regnamespace
        union select pg_get_userbyid(relowner) from pg_class c join pgflow.flows f
          on c.oid in (to_regclass('pgmq.q_' || flow_slug), to_regclass('pgmq.a_' || flow_slug))
    """
    with connect(dsn) as connection:
        return {row[0] for row in connection.execute(query.encode()).fetchall()}


def test_off_by_default(bare_database_dsn: str) -> None:
    migrate(bare_database_dsn, (migration(),))
    assert OWNER not in owners(bare_database_dsn)


def test_repeatable(bare_database_dsn: str, own_roles: None) -> None:
    migrate(bare_database_dsn, (migration(),), roles=True)
    assert owners(bare_database_dsn) == {OWNER}
    again = migrate(bare_database_dsn, (migration(),), roles=True)
    assert again.is_empty
    assert owners(bare_database_dsn) == {OWNER}


def test_a_database_that_is_in_use_already(bare_database_dsn: str, new_user: NewUser) -> None:
    migrate(bare_database_dsn, (migration(),))
    with connect(bare_database_dsn) as connection:
        Core(connection).start_flow("crawl", {})
        connection.execute("select pgmq.create('theirs')")
        (theirs,) = connection.execute(
            "select pg_get_userbyid(relowner) from pg_class where relname = 'q_theirs'"
        ).fetchone()  # type: ignore[misc]
    migrate(bare_database_dsn, (migration(),), roles=True)
    assert owners(bare_database_dsn) == {OWNER}
    work(new_user(WORKER), "crawl")
    with connect(bare_database_dsn) as connection:
        query = "select pg_get_userbyid(relowner) from pg_class where relname = 'q_theirs'"
        assert connection.execute(query.encode()).fetchone() == (theirs,)


def work(worker_dsn: str, flow: str) -> None:
    """Claim and complete one task as a worker does, with its functions alone."""
    with connect(worker_dsn) as connection:
        core = Core(connection)
        worker = core.value("select gen_random_uuid()")
        core.run_sql("select pgflow.register_worker(%s, %s, 'w')", worker, flow)
        (task,) = core.rows("select * from pgflow.claim_tasks(array[%s::uuid], array[%s], 1)", worker, flow)
        assert core.rows("select * from pgflow.started_tasks(array[%s::uuid])", worker)
        refused = core.rows(
            "select * from pgflow.complete_tasks(array[%s::uuid], array[%s::uuid], array[%s], array[%s],"
            " array[%s], array['[]'::jsonb])",
            worker, task.run_id, task.step_slug, task.task_index, task.attempt,
        )  # fmt: skip
        assert refused == []


def test_flows_created_later(with_roles: str, new_user: NewUser) -> None:
    """By a migration, and by hand: their queues too are the owner's, so workers get at their tasks."""
    assert migrate(with_roles, (migration(), migration("0002_other.sql", "other"))).flows == [
        "0002_other.sql"
    ]
    with connect(with_roles) as connection:
        Core(connection).flow("third", "only")
    assert owners(with_roles) == {OWNER}
    for flow in ("other", "third"):
        with connect(new_user(CLIENT)) as connection:
            connection.execute("select pgflow.start_flow(%s, '{}')", [flow])
        work(new_user(WORKER), flow)
    with connect(with_roles) as connection:
        connection.execute("select pgflow.delete_flow_and_data('third')")


def test_recreating_a_changed_flow_in_development(with_roles: str) -> None:
    changed = migration(max_attempts=4)
    assert migrate(with_roles, (changed,), development=True).recreated == ["crawl"]
    assert owners(with_roles) == {OWNER}


def test_upgrade_keeps_owner_and_privileges(
    with_roles: str, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later migrate need not be told of the roles; what it makes is the owner's and open to nobody."""
    monkeypatch.setattr(core_migrations, "migration_files", lambda: (*migration_files(), NEXT))
    monkeypatch.setattr(core_migrations, "SCHEMA_VERSION", 2)
    assert migrate(with_roles, (migration(),)).core == ["0002_next.sql"]
    assert owners(with_roles) == {OWNER}
    for role in CALLERS:
        with connect(new_user(role)) as connection:
            core = Core(connection)
            assert core.value("select pgflow.schema_version()") == 2
            with core.refused(sqlstate="42501"):
                core.value("select pgflow.brand_new()")


def test_a_database_whose_roles_are_of_before_there_were_operators(
    with_roles: str, new_user: NewUser
) -> None:
    """A later migrate goes on without them; one with the option adds them."""
    with connect(with_roles) as connection:
        connection.execute(f"alter role {OPERATOR} rename to pgflow_former".encode())
        try:
            assert migrate(with_roles, (migration(), migration("0002_other.sql", "other"))).roles == []
        finally:
            connection.execute(f"alter role pgflow_former rename to {OPERATOR}".encode())
        connection.execute(f"revoke {CLIENT} from {OPERATOR}".encode())
    migrate(with_roles, roles=True)
    with connect(new_user(OPERATOR)) as connection:
        core = Core(connection)
        run_id = core.start_flow("other", {}).run_id
        assert core.call("hold_runs", run_ids=[run_id])[0].outcome == "held"


def test_privileges_given_in_excess_are_taken_back(with_roles: str, new_user: NewUser) -> None:
    with connect(with_roles) as connection:
        connection.execute(f"grant execute on function pgflow.create_flow to {CLIENT}".encode())
        connection.execute(f"grant select on pgflow.runs to {CLIENT}".encode())
    migrate(with_roles, roles=True)
    with connect(new_user(CLIENT)) as connection:
        core = Core(connection)
        with core.refused(sqlstate="42501"):
            core.value("select pgflow.create_flow('x')")
        with core.refused(sqlstate="42501"):
            core.rows("select * from pgflow.runs")


def test_races_in_one_database_and_in_several(
    own_roles: None, bare_database_dsn: str, new_database: Callable[[str], str]
) -> None:
    """Roles belong to the cluster: migrators of different databases do not see each other's lock."""
    dsns = [bare_database_dsn, new_database("bare"), new_database("plain")] * 2
    with ThreadPoolExecutor(len(dsns)) as pool:
        reports = list(pool.map(lambda dsn: migrate(dsn, (migration(),), roles=True), dsns))
    assert len(reports) == len(dsns)
    for dsn in dsns[:3]:
        assert owners(dsn) == {OWNER}
        with connect(dsn) as connection:
            assert has_roles(connection)


def test_user_who_may_create_roles_suffices(bare_database_dsn: str, new_user: NewUser) -> None:
    """No superuser, but one who may create roles and owns the database's schemas."""
    dsn = new_user(options="createrole")
    names = conninfo_to_dict(dsn)
    with connect(bare_database_dsn) as connection:
        connection.execute(f"grant create on database {names['dbname']} to {names['user']}".encode())
        for role in (OWNER, *CALLERS):
            exists = connection.execute("select from pg_roles where rolname = %s", [role]).rowcount
            if exists:  # from another test; in version 16 and later only who has them may pass them on
                connection.execute(f"grant {role} to {names['user']} with admin option".encode())
    migrate(dsn, (migration(),), roles=True)
    assert migrate(dsn, (migration(), migration("0002_other.sql", "other"))).flows == ["0002_other.sql"]
    assert migrate(dsn, (migration(),), roles=True).roles == []
    assert owners(bare_database_dsn) == {OWNER}
    with connect(dsn) as connection:
        Core(connection).start_flow("other", {})
    work(new_user(WORKER), "other")


def test_user_who_may_not_create_roles_learns_what_to_do(bare_database_dsn: str, new_user: NewUser) -> None:
    dsn = new_user()
    names = conninfo_to_dict(dsn)
    with connect(bare_database_dsn) as connection:
        connection.execute(f"grant create on database {names['dbname']} to {names['user']}".encode())
    with pytest.raises(PermissionDenied, match="roles cannot be set up") as failure:
        migrate(dsn, (migration(),), roles=True)
    assert f"grant {OWNER} to <this user>" in (failure.value.help or "")
    with connect(bare_database_dsn) as connection:
        assert connection.execute("select from pg_namespace where nspname = 'pgflow'").rowcount == 0


def test_stranger_cannot_migrate_what_the_owner_has(with_roles: str, new_user: NewUser) -> None:
    with pytest.raises(PermissionDenied, match=f"belongs to the role {OWNER}") as failure:
        migrate(new_user(), (migration(),))
    assert f"grant {OWNER}" in (failure.value.help or "")


def test_workers_may_say_where_they_are_and_get_no_service_key_by_it(
    with_roles: str, new_user: NewUser
) -> None:
    with connect(new_user(WORKER)) as connection:
        connection.execute("select pgflow.track_worker_function('theirs')")
        connection.execute("select pgflow.track_worker('ours', 'http://10.0.0.7:8080/ours')")
    with connect(new_user(OWNER)) as connection:
        connection.execute("select pgflow.track_worker('mine', 'http://10.0.0.8:8080/mine')")
    with connect(with_roles) as connection:
        rows = connection.execute("select function_name, gets_service_key from pgflow.worker_functions")
        assert dict(rows.fetchall()) == {"theirs": True, "ours": False, "mine": True}
