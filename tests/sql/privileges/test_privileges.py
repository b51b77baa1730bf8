"""Who may do what: functions run with their owner's rights and a pinned search path."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core

PUBLIC_FUNCTIONS = [
    "start_flow", "start_flows", "start_flow_with_states", "get_run_with_states", "start_tasks",
    "claim_tasks",
    "complete_task", "complete_tasks", "fail_task", "fail_tasks", "again_tasks", "release_tasks",
    "recover_stalled_tasks",
    "requeue_stalled_tasks", "register_worker", "heartbeat_workers", "mark_worker_stopped",
    "deprecate_worker",
    "announce_idle", "withdraw_idle", "watch_runs", "unwatch_runs", "get_flow_definition", "get_run_input",
    "read_with_poll", "set_vt_batch", "get_run_progress", "get_run_failure", "list_runs", "count_tasks",
    "started_tasks", "prune_batch", "backlog", "measure_queue", "measure_steps", "find_runs",
    "find_tasks", "group_failures", "list_flows", "list_tasks",
    "create_schedule", "drop_schedule", "pause_schedule", "resume_schedule", "fire_schedule",
    "list_schedules",
    "get_task", "get_run_values", "list_workers", "measure_runs",
]  # fmt: skip


def test_public_has_no_rights(core: Core) -> None:
    found = core.rows(
        """select p.oid::regprocedure::text as name from pg_proc p
           where pronamespace = 'pgflow'::regnamespace
             and has_function_privilege('public', p.oid, 'execute')"""
    )
    assert [row.name for row in found] == []


def test_functions_with_the_rights_of_the_owner_pin_their_search_path(core: Core) -> None:
    found = core.rows(
        """select p.oid::regprocedure::text as name from pg_proc p
           where pronamespace = 'pgflow'::regnamespace and prosecdef
             and not exists (select from unnest(proconfig) c where c like 'search_path=%')"""
    )
    assert [row.name for row in found] == []


@pytest.mark.parametrize("name", PUBLIC_FUNCTIONS)
def test_what_workers_and_clients_call_has_the_rights_of_the_owner(core: Core, name: str) -> None:
    assert core.value(f"select prosecdef from pg_proc where oid = 'pgflow.{name}'::regproc")


def test_a_role_that_may_only_call_functions_runs_a_flow(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    role = f"pgflow_test_{uuid4().hex[:12]}"
    core.run_sql(f"create role {role}")
    core.run_sql(f"grant usage on schema pgflow to {role}")
    core.run_sql(f"grant execute on all functions in schema pgflow to {role}")
    core.run_sql(f"set local role {role}")
    with core.refused(sqlstate="42501"):
        core.rows("select * from pgflow.runs")
    worker, run_id = uuid4(), uuid4()
    core.run_sql("select pgflow.register_worker(%s, 'f', 'w')", worker)
    core.rows("select * from pgflow.start_flow('f', %s, %s)", Jsonb({}), run_id)
    for output in ([7], 8):
        (task,) = core.rows("select * from pgflow.claim_tasks(%s, array['f'], 5)", [worker])
        core.rows(
            "select * from pgflow.complete_tasks(%s, %s, %s, %s::int[], %s::int[], %s)",
            [worker], [run_id], [task.step_slug], [task.task_index], [task.attempt], [Jsonb(output)],
        )  # fmt: skip
    found = core.value("select pgflow.get_run_with_states(%s)", run_id)
    assert (found["run"]["status"], found["run"]["output"]) == ("completed", {"m": [8]})
    core.run_sql("reset role")


def test_objects_of_the_caller_are_not_picked_up(core: Core) -> None:
    """A caller's temporary or schema objects of the same names must not be found by the core's functions."""
    core.flow("f", "a")
    core.run_sql("create schema evil")
    core.run_sql(
        """create function evil.jsonb_array_length(jsonb) returns int language plpgsql
           as $$ begin raise 'picked up'; end $$"""
    )
    core.run_sql(
        """create function evil.now() returns timestamptz language plpgsql
           as $$ begin raise 'picked up'; end $$"""
    )
    core.run_sql("create temporary table runs (nothing int)")
    core.run_sql("create temporary table step_tasks (nothing int)")
    core.run_sql("set local search_path = evil, pg_temp, pg_catalog")
    run_id = core.value("select run_id from pgflow.start_flow('f', '{}')")
    core.run_sql("set local search_path = public")
    assert core.run(run_id).status == "started"
