"""Tables that say something of a run or a flow are emptied with it: the list is the catalogue's own."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, complete, fail, register
from tests.support.control import hold
from tests.support.core import Core
from tests.support.steps_that_wait import add_signal, send
from tests.support.subflows import add_subflow


def tables_with(core: Core, column: str) -> list[str]:
    """Tables that have such a column."""
    rows = core.rows(
        """select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
           where c.relnamespace = 'pgflow'::regnamespace and c.relkind in ('r', 'p') and a.attname = %s
           order by c.relname""",
        column,
    )
    return [row.name for row in rows]


def left(core: Core, column: str, value: UUID | str) -> list[str]:
    """Tables with rows of that run or flow."""
    return [
        table
        for table in tables_with(core, column)
        if core.value(f"select exists (select from pgflow.{table} where {column} = %s)", value)
    ]


@pytest.fixture
def run_id(core: Core) -> UUID:
    """A run that has left something in every table."""
    core.create_flow("f", options=Jsonb({"run_timeout": 60}))
    core.add_step("f", "a")
    core.add_step("f", "b", ["a"])
    add_signal(core, "f", "s", key=["id"])
    add_signal(core, "f", "later", ["b"])
    core.create_flow("child")  # it has no steps, and ends as it starts
    add_subflow(core, "f", "kid")
    source = core.start_flow("f", {"id": "x"}).run_id
    run_id: UUID = core.call("fork_run", run_id=source, from_steps=["a"])[0].fork_run
    tasks = claim(core, (register(core, "f"), "f"))
    complete(core, [task for task in tasks if task.step_slug == "kid"])
    others = [task for task in tasks if task.step_slug != "kid"]
    fail(core, others, retry_after=[600] * len(others))
    send(core, run_id, "later")
    hold(core, run_id)
    core.insert(  # as at the end of a run that can be undone
        "late_results", run_id=run_id, step_slug="a", task_index=0, attempt=1, patience_ends_at=core.clock()
    )
    spec = Jsonb({"every": 3_600, "timezone": "UTC", "overlap": "allow", "catch_up": "none"})
    core.run_sql("select pgflow.create_schedule('f', 's', %s, '1')", spec)
    return run_id


def test_runs(core: Core, run_id: UUID) -> None:
    assert left(core, "run_id", run_id) == tables_with(core, "run_id"), "the run above lacks something new"
    core.run_sql("select pgflow._prune_runs(array[%s]::uuid[])", run_id)
    assert left(core, "run_id", run_id) == []


def test_flows(core: Core, run_id: UUID) -> None:
    assert left(core, "flow_slug", "f") == tables_with(core, "flow_slug"), (
        "the flow above lacks something new"
    )
    core.run_sql("select pgflow.delete_flow_and_data('f')")
    assert left(core, "flow_slug", "f") == []
    assert left(core, "run_id", run_id) == []


def test_flows_that_are_made_anew(core: Core, run_id: UUID) -> None:
    shape = Jsonb({"steps": [{"slug": "other"}]})
    core.run_sql("select pgflow.ensure_flow_compiled('f', %s, true)", shape)
    assert left(core, "run_id", run_id) == []
    assert left(core, "flow_slug", "f") == ["flows", "prepared_flows", "steps"]


def test_nothing_new_stands_in_the_way_of_outside_tools_that_delete_runs(core: Core, run_id: UUID) -> None:
    """They know the seven tables of pgflow only."""
    for table in ("step_tasks", "step_states", "runs", "deps", "steps", "flows"):
        core.run_sql(f"delete from pgflow.{table}")
    assert core.value("select count(*) from pgflow.timers") > 0
    core.run_sql("update pgflow.timers set due_at = clock_timestamp()")
    assert core.value("select fired_count from pgflow.fire_timers()") > 0
    assert core.value("select count(*) from pgflow.timers") == 0
