"""The tables have the columns, types, nullability and defaults that other tools rely on
(specification/core.md, "Tables").
"""

from __future__ import annotations

import pytest

from tests.support.core import Core

TIME = "timestamp with time zone"
# column: (type, not null)
TABLES: dict[str, dict[str, tuple[str, bool]]] = {
    "flows": {
        "flow_slug": ("text", True),
        "opt_max_attempts": ("integer", True),
        "opt_base_delay": ("integer", True),
        "opt_timeout": ("integer", True),
        "created_at": (TIME, True),
    },
    "steps": {
        "flow_slug": ("text", True),
        "step_slug": ("text", True),
        "step_type": ("text", True),
        "step_index": ("integer", True),
        "deps_count": ("integer", True),
        "opt_max_attempts": ("integer", False),
        "opt_base_delay": ("integer", False),
        "opt_timeout": ("integer", False),
        "opt_start_delay": ("integer", False),
        "required_input_pattern": ("jsonb", False),
        "forbidden_input_pattern": ("jsonb", False),
        "when_unmet": ("text", True),
        "when_exhausted": ("text", True),
        "created_at": (TIME, True),
    },
    "deps": {
        "flow_slug": ("text", True),
        "dep_slug": ("text", True),
        "step_slug": ("text", True),
        "created_at": (TIME, True),
    },
    "runs": {
        "run_id": ("uuid", True),
        "flow_slug": ("text", True),
        "status": ("text", True),
        "input": ("jsonb", True),
        "output": ("jsonb", False),
        "remaining_steps": ("integer", True),
        "started_at": (TIME, True),
        "completed_at": (TIME, False),
        "failed_at": (TIME, False),
    },
    "step_states": {
        "flow_slug": ("text", True),
        "run_id": ("uuid", True),
        "step_slug": ("text", True),
        "status": ("text", True),
        "remaining_tasks": ("integer", False),
        "initial_tasks": ("integer", False),
        "remaining_deps": ("integer", True),
        "output": ("jsonb", False),
        "error_message": ("text", False),
        "skip_reason": ("text", False),
        "created_at": (TIME, True),
        "started_at": (TIME, False),
        "completed_at": (TIME, False),
        "failed_at": (TIME, False),
        "skipped_at": (TIME, False),
    },
    "step_tasks": {
        "flow_slug": ("text", True),
        "run_id": ("uuid", True),
        "step_slug": ("text", True),
        "message_id": ("bigint", False),
        "task_index": ("integer", True),
        "status": ("text", True),
        "attempts_count": ("integer", True),
        "error_message": ("text", False),
        "output": ("jsonb", False),
        "queued_at": (TIME, True),
        "started_at": (TIME, False),
        "completed_at": (TIME, False),
        "failed_at": (TIME, False),
        "last_worker_id": ("uuid", False),
        "requeued_count": ("integer", True),
        "last_requeued_at": (TIME, False),
        "permanently_stalled_at": (TIME, False),
        "killed_workers": ("uuid[]", False),
    },
    "workers": {
        "worker_id": ("uuid", True),
        "queue_name": ("text", True),
        "function_name": ("text", True),
        "started_at": (TIME, True),
        "deprecated_at": (TIME, False),
        "stopped_at": (TIME, False),
        "last_heartbeat_at": (TIME, True),
        "beats": ("boolean", True),
        "details": ("jsonb", True),
    },
    "worker_functions": {
        "function_name": ("text", True),
        "enabled": ("boolean", True),
        "debounce": ("interval", True),
        "last_invoked_at": (TIME, False),
        "created_at": (TIME, True),
        "updated_at": (TIME, True),
        "url": ("text", False),
        "gets_service_key": ("boolean", True),
    },
}

KEYS = {
    "flows": ["flow_slug"],
    "steps": ["flow_slug", "step_slug"],
    "deps": ["flow_slug", "dep_slug", "step_slug"],
    "runs": ["run_id"],
    "step_states": ["run_id", "step_slug"],
    "step_tasks": ["run_id", "step_slug", "task_index"],
    "workers": ["worker_id"],
    "worker_functions": ["function_name"],
}


@pytest.mark.parametrize("table", TABLES)
def test_columns(core: Core, table: str) -> None:
    found = {
        row.attname: (row.type, row.attnotnull)
        for row in core.rows(
            """select attname, format_type(atttypid, atttypmod) as type, attnotnull
               from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped""",
            f"pgflow.{table}",
        )
    }
    assert {name: found.get(name) for name in TABLES[table]} == TABLES[table]


@pytest.mark.parametrize("table", TABLES)
def test_columns_of_ours_may_be_left_out(core: Core, table: str) -> None:
    """Whoever inserts by the contract's columns must not be stopped by additional ones."""
    required = core.rows(
        """select attname from pg_attribute
           where attrelid = %s::regclass and attnum > 0 and not attisdropped
             and attnotnull and not atthasdef""",
        f"pgflow.{table}",
    )
    assert {row.attname for row in required} <= set(TABLES[table])


@pytest.mark.parametrize("table", KEYS)
def test_primary_keys(core: Core, table: str) -> None:
    found = core.rows(
        """select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
           where indrelid = %s::regclass and indisprimary order by array_position(indkey::int2[], attnum)""",
        f"pgflow.{table}",
    )
    assert {row.attname for row in found} == set(KEYS[table])


def test_flow_defaults(core: Core) -> None:
    core.insert("flows", flow_slug="f")
    row = core.row("select * from pgflow.flows")
    assert (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout) == (3, 1, 60)
    assert row.created_at == core.now()


def test_step_can_be_inserted_by_its_key_and_index(core: Core) -> None:
    core.insert("flows", flow_slug="f")
    core.insert("steps", flow_slug="f", step_slug="a", step_index=7)
    row = core.row("select * from pgflow.steps")
    assert (row.step_type, row.step_index, row.deps_count) == ("single", 7, 0)
    assert (row.when_unmet, row.when_exhausted) == ("skip", "fail")
    options = (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout, row.opt_start_delay)
    assert options == (None, None, None, None)
    assert (row.required_input_pattern, row.forbidden_input_pattern) == (None, None)
    assert row.created_at == core.now()


def test_run_state_and_task_defaults(core: Core) -> None:
    core.flow("f", "a")
    run_id = core.value("insert into pgflow.runs (flow_slug, input) values ('f', '1') returning run_id")
    core.insert("step_states", flow_slug="f", run_id=run_id, step_slug="a")
    core.insert("step_tasks", flow_slug="f", run_id=run_id, step_slug="a")
    run, step, task = core.run(run_id), core.step(run_id, "a"), core.task(run_id, "a")
    assert (run.status, run.remaining_steps, run.output, run.started_at) == ("started", 0, None, core.now())
    assert (step.status, step.remaining_deps, step.created_at) == ("created", 0, core.now())
    assert (step.initial_tasks, step.remaining_tasks) == (None, None)
    assert (task.status, task.attempts_count, task.task_index) == ("queued", 0, 0)
    assert (task.message_id, task.queued_at, task.requeued_count) == (None, core.now(), 0)
    assert (task.last_requeued_at, task.permanently_stalled_at, task.last_worker_id) == (None, None, None)


def test_worker_defaults(core: Core) -> None:
    core.run_sql(
        "insert into pgflow.workers (worker_id, queue_name, function_name) "
        "values (gen_random_uuid(), 'q', 'f')"
    )
    row = core.row("select * from pgflow.workers")
    assert (row.started_at, row.last_heartbeat_at) == (core.now(), core.now())
    assert (row.deprecated_at, row.stopped_at) == (None, None)


def test_worker_function_defaults(core: Core) -> None:
    core.insert("worker_functions", function_name="f")
    row = core.row("select *, extract(epoch from debounce)::int as seconds from pgflow.worker_functions")
    assert (row.enabled, row.seconds, row.last_invoked_at) == (True, 6, None)
    assert (row.created_at, row.updated_at) == (core.now(), core.now())


def test_new_run_ids_are_uuids_ordered_by_time(core: Core) -> None:
    core.create_flow("f")
    ids = [core.start_flow("f").run_id for _ in range(20)]
    assert len(set(ids)) == 20
    assert {run_id.version for run_id in ids} == {7}
    stamps = [run_id.int >> 80 for run_id in ids]
    assert stamps == sorted(stamps)
    assert abs(stamps[0] / 1000 - core.clock().timestamp()) < 60


def test_everything_can_be_deleted_in_the_order_outside_tools_use(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    core.start_flow("f")
    core.work("f", [1])
    core.poll("f")
    core.insert("worker_functions", function_name="w")
    for table in ("step_tasks", "step_states", "runs", "deps", "steps", "flows", "worker_functions"):
        core.run_sql(f"delete from pgflow.{table}")
    assert core.value("select count(*) from pgflow.workers") == 1


def test_deleting_a_worker_keeps_its_tasks_and_looks_at_none(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.poll("f")
    owner = core.task(run.run_id, "a").last_worker_id
    assert owner is not None
    before = core.rows_read("pgflow.step_tasks")
    core.run_sql("delete from pgflow.workers")
    assert core.rows_read("pgflow.step_tasks") == before
    assert core.task(run.run_id, "a").last_worker_id == owner, "who was at it stays known"
