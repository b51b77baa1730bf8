"""Tables of ours beyond the contract."""

from __future__ import annotations

from tests.support.core import Core

SEVEN = ("step_tasks", "step_states", "runs", "deps", "steps", "flows", "worker_functions")


def test_announcements_live_in_one_unlogged_table(core: Core) -> None:
    found = core.rows(
        """select oid::regclass::text as name from pg_class
           where relnamespace = 'pgflow'::regnamespace and relkind = 'r' and relpersistence = 'u'"""
    )
    assert len(found) == 1


def test_nothing_of_ours_holds_the_tables_that_outside_tools_empty(core: Core) -> None:
    found = core.rows(
        """select conrelid::regclass::text as table, confrelid::regclass::text as refers from pg_constraint
           where contype = 'f' and connamespace = 'pgflow'::regnamespace and confdeltype not in ('c', 'n')"""
    )
    names = set(SEVEN) | {"workers"}
    assert {row.table.removeprefix("pgflow.") for row in found} <= names


def test_bookkeeping_of_migrations(core: Core) -> None:
    core.run_sql("insert into pgflow.migrations (kind, name, digest) values ('core', '0001_x', 'abc')")
    core.run_sql("insert into pgflow.migrations (kind, name, digest) values ('flow', '0001_x', 'abc')")
    assert core.value("select count(*) from pgflow.migrations where applied_at = now()") == 2
    with core.refused(sqlstate="23505"):
        core.run_sql("insert into pgflow.migrations (kind, name, digest) values ('core', '0001_x', 'def')")
    with core.refused(sqlstate="23514"):
        core.run_sql("insert into pgflow.migrations (kind, name, digest) values ('other', '1', 'def')")


def test_traces_and_reasons_are_columns_of_runs(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    assert (run.trace_context, run.error_message) == (None, None)
