"""Each role may do what it must, and nothing else: every forbidden thing is tried."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

from pgflow_runtime.migrate.roles import CALLERS, CLIENT, OPERATOR, OWNER, WORKER
from pgflow_sql.surface import callable_by
from tests.support.core import connect

NewUser = Callable[..., str]

NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
TABLES = (
    "actions", "announcements", "deps", "ended_children", "flows", "late_results", "migrations", "origins",
    "prepared_flows", "runs", "schedules", "signal_keys", "signals", "step_states", "step_tasks", "steps",
    "timer_floor", "timers", "waiting_signals", "worker_functions", "workers",
)  # fmt: skip

DEFINING = (
    "select pgflow.create_flow('mine')",
    "select pgflow.add_step('crawl', 'more')",
    "select pgflow.alter_flow('crawl', max_attempts => 9)",
    "select pgflow.alter_step('crawl', 'urls', max_attempts => 9)",
    "select pgflow.delete_flow_and_data('crawl')",
    "select pgflow.ensure_flow_compiled('crawl', '{}', true)",
    "select pgflow._create_flow_from_shape('mine', '{\"steps\": []}')",
    "select pgflow.prune_data_older_than('0 s')",
    "select pgflow.deprecate_worker(" + NIL + ")",
    "select pgflow.setup_requeue_stalled_tasks_cron()",
)
WORKING = (
    f"select pgflow.register_worker({NIL}, 'crawl', 'mine')",
    f"select pgflow.claim_tasks(array[{NIL}], array['crawl'], 1)",
    f"select pgflow.start_tasks('crawl', '{{1}}', {NIL})",
    f"select pgflow.complete_task({NIL}, 'urls', 0, '1')",
    f"select pgflow.complete_tasks(array[{NIL}], array[{NIL}], '{{urls}}', '{{0}}', '{{1}}', '{{1}}')",
    f"select pgflow.fail_task({NIL}, 'urls', 0, 'x')",
    f"select pgflow.fail_tasks(array[{NIL}], array[{NIL}], '{{urls}}', '{{0}}', '{{1}}', '{{x}}')",
    f"select pgflow.again_tasks(array[{NIL}], array[{NIL}], '{{urls}}', '{{0}}', '{{1}}', '{{1}}')",
    f"select pgflow.release_tasks(array[{NIL}], array[{NIL}], '{{urls}}', '{{0}}', '{{1}}')",
    "select pgflow.recover_stalled_tasks()",
    f"select pgflow.mark_worker_stopped({NIL})",
    "select pgflow.track_worker_function('mine')",
    "select pgflow.track_worker('mine', 'http://127.0.0.1:1/mine')",
    f"select pgflow.heartbeat_workers(array[{NIL}])",
    f"select pgflow.started_tasks(array[{NIL}])",
    f"select pgflow.announce_idle(array[{NIL}], 1)",
    "select pgflow.prune_batch('0 s', 1)",
    "select pgflow.fire_timers()",
)
STARTING = (
    "select pgflow.start_flow('crawl', '{}')",
    "select pgflow.start_flows('crawl', array['{}'::jsonb])",
    "select pgflow.start_flow_with_states('crawl', '{}')",
    f"select pgflow.watch_runs({NIL}, array[{NIL}], 1)",
    f"select pgflow.get_run_with_states({NIL})",
    f"select pgflow.cancel_runs(array[{NIL}])",
    f"select pgflow.send_signals(array[{NIL}], array['s'], array['1'::jsonb])",
    "select pgflow.send_signal_by_key('asking', 's', 'k', '1')",
    "select pgflow.list_waiting_signals()",
    "select * from pgflow.waiting_runs",
    "select pgflow.list_actions()",
    "select pgflow.list_schedules()",
    "select * from pgflow.schedules_overview",
    "select pgflow.list_runs()",
    "select pgflow.measure_steps('crawl')",
    "select * from pgflow.run_overview",
    "select * from pgflow.step_overview",
)
HOURLY = '{"every": 3600, "timezone": "UTC", "overlap": "skip", "catch_up": "none"}'
DECIDING = (
    f"select pgflow.retry_runs(array[{NIL}])",
    f"select pgflow.fork_run({NIL}, '{{urls}}')",
    f"select pgflow.hold_runs(array[{NIL}])",
    f"select pgflow.release_runs(array[{NIL}])",
    "select pgflow.pause_flow('crawl')",
    "select pgflow.resume_flow('crawl')",
    f"select pgflow.create_schedule('crawl', 's', '{HOURLY}', '{{}}')",
    "select pgflow.pause_schedule('crawl', 's')",
    "select pgflow.resume_schedule('crawl', 's')",
    "select pgflow.fire_schedule('crawl', 's')",
    "select pgflow.drop_schedule('crawl', 's')",
    "select pgflow.count_runs_where('{}')",
    "select pgflow.cancel_runs_where('{}')",
    "select pgflow.retry_runs_where('{}')",
    "select pgflow.hold_runs_where('{}')",
    "select pgflow.release_runs_where('{}')",
)
UNDERNEATH = (
    f"select pgflow._send_signals(array[{NIL}], array['s'], array['1'::jsonb], null)",
    f"select pgflow._end_waits(array[{NIL}], array['s'], array['1'::jsonb])",
    "select pgflow._start_flows('crawl', array['{}'::jsonb], null, null)",
    f"select pgflow._finish_runs(array[{NIL}], true)",
    f"select pgflow._cancel_runs(array[{NIL}], null)",
    f"select pgflow._retry_runs(array[{NIL}], 0)",
    f"select pgflow._cancel_asked(array[{NIL}], null, null, null)",
    "select pgflow._note_action('cancel', 'somebody else', null, null, null, null)",
    "select * from pgmq.q_crawl",
    "delete from pgmq.q_crawl",
    "select pgmq.send('crawl', '{}')",
    "select pgmq.read('crawl', 1, 1)",
    "select pgmq.drop_queue('crawl')",
    "select pgmq.create('mine')",
    "select pgflow.read_with_poll('crawl', 1, 1)",
    "select pgflow.set_vt_batch('crawl', '{1}', '{1}')",
    "create table pgflow.mine (x int)",
    "create function pgflow.mine() returns int language sql as 'select 1'",
    "create or replace function pgflow.schema_version() returns int language sql as 'select 99'",
    "alter function pgflow.schema_version() security invoker",
    "grant execute on function pgflow.create_flow to public",
    "drop schema pgflow cascade",
    f"set role {OWNER}",
    f"grant {OWNER} to current_user",
    *(f"select * from pgflow.{table}" for table in TABLES),
    *(f"delete from pgflow.{table}" for table in TABLES),
    *(f"insert into pgflow.{table} default values" for table in TABLES),
    *(f"truncate pgflow.{table}" for table in TABLES),
)
READING = (
    "select pgflow.schema_version()",
    "select pgflow.get_flow_definition('crawl')",
    "select pgflow.measure_queue('crawl')",
    "select * from pgflow.queue_metrics",
)

FORBIDDEN = {
    WORKER: (*DEFINING, *STARTING, *DECIDING, *UNDERNEATH),
    CLIENT: (*DEFINING, *WORKING, *DECIDING, *UNDERNEATH),
    OPERATOR: (*DEFINING, *WORKING, *UNDERNEATH),
    None: (*DEFINING, *WORKING, *STARTING, *DECIDING, *UNDERNEATH, *READING),
}


@pytest.mark.parametrize("role", FORBIDDEN, ids=lambda role: role or "nobody")
def test_forbidden(role: str | None, with_roles: str, new_user: NewUser) -> None:
    dsn = new_user(role) if role else new_user()
    allowed = []
    with connect(dsn) as connection:
        for statement in FORBIDDEN[role]:
            try:
                connection.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            except psycopg.Error as error:
                allowed.append(f"{statement}: {error}")
            else:
                allowed.append(statement)
    assert allowed == []


@pytest.mark.parametrize("role", CALLERS)
def test_exactly_the_listed_functions(role: str, with_roles: str, new_user: NewUser) -> None:
    with connect(new_user(role)) as connection:
        rows = connection.execute(
            """select proname from pg_proc
               where pronamespace = 'pgflow'::regnamespace and has_function_privilege(oid, 'execute')"""
        ).fetchall()
    assert sorted(row[0] for row in rows) == listed(role, "function")


def listed(role: str, kind: str) -> list[str]:
    """What a role may use; an operator is a client besides."""
    callers = {CALLERS[role], *([CALLERS[CLIENT]] if role == OPERATOR else [])}
    return sorted({name for caller in callers for name in callable_by(caller, kind)})


def test_an_operator_decides_over_runs(with_roles: str, new_user: NewUser) -> None:
    with connect(new_user(OPERATOR)) as connection:
        for statement in (*STARTING, *DECIDING, *READING):
            if not {"fork_run", "send_signal_by_key"} & set(
                re.findall(r"\w+", statement)
            ):  # of what is not there
                connection.execute(statement.encode())
        connection.execute(
            "select pgflow.fork_run((select run_id from pgflow.list_runs() limit 1), '{urls}')"
        )


@pytest.mark.parametrize("role", [CLIENT, OPERATOR])
def test_the_trail_has_the_user_who_is_connected(role: str, with_roles: str, new_user: NewUser) -> None:
    dsn = new_user(role)
    with connect(dsn) as connection:
        connection.execute(f"select pgflow.cancel_runs(array[{NIL}], actor => 'ann')".encode())
        ((actor, session_role),) = connection.execute(
            "select actor, session_role from pgflow.list_actions()"
        ).fetchall()
    assert (actor, session_role) == ("ann", psycopg.conninfo.conninfo_to_dict(dsn)["user"])


@pytest.mark.parametrize("role", CALLERS)
def test_exactly_the_listed_views(role: str, with_roles: str, new_user: NewUser) -> None:
    with connect(new_user(role)) as connection:
        rows = connection.execute(
            """select relname from pg_class
               where relnamespace = 'pgflow'::regnamespace and has_table_privilege(oid, 'select')"""
        ).fetchall()
        assert sorted(row[0] for row in rows) == listed(role, "view")
        for view in listed(role, "view"):
            assert connection.execute(f"select * from pgflow.{view}".encode()).description


def test_all_tables_are_tried(with_roles: str) -> None:
    with connect(with_roles) as connection:
        rows = connection.execute(
            "select tablename from pg_tables where schemaname = 'pgflow' order by 1"
        ).fetchall()
    assert tuple(row[0] for row in rows) == TABLES


def test_public_has_nothing(with_roles: str) -> None:
    query = """
        select oid::regclass::text from pg_class c
        where relnamespace = 'pgflow'::regnamespace
          and exists (select from aclexplode(relacl) where grantee = 0)
        union all select oid::regprocedure::text from pg_proc
        where pronamespace = 'pgflow'::regnamespace
          and exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0)
        union all select nspname::text from pg_namespace
        where nspname = 'pgflow' and exists (select from aclexplode(nspacl) where grantee = 0)
        union all select t.oid::regtype::text from pg_type t join pg_class c on c.oid = t.typrelid
        where typnamespace = 'pgflow'::regnamespace and c.relkind = 'c'
          and exists (select from aclexplode(coalesce(typacl, acldefault('T', typowner))) where grantee = 0)
    """
    with connect(with_roles) as connection:
        assert connection.execute(query).fetchall() == []


def test_a_temporary_type_of_the_caller_runs_none_of_its_code_with_the_owners_rights(
    with_roles: str, new_user: NewUser
) -> None:
    """Without pg_temp at the end of the path, temporary objects would come first."""
    with connect(new_user(CLIENT)) as connection:
        connection.execute(
            """create function pg_temp.trap(text) returns boolean language plpgsql
               as $$ begin raise exception 'trapped as %', current_user; end $$"""
        )
        connection.execute("create domain pg_temp.uuid as text check (pg_temp.trap(value))")
        connection.execute("create domain pg_temp.jsonb as text check (pg_temp.trap(value))")
        connection.execute("create temporary table runs (run_id int)")
        assert connection.execute("select pgflow.start_flow('crawl', '{}')").rowcount == 1
