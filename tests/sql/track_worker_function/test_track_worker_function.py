"""`track_worker_function` (specification/core.md, "Environment")."""

from __future__ import annotations

from tests.support.core import Core


def test_new(core: Core) -> None:
    core.run_sql("select pgflow.track_worker_function(function_name => 'fn')")
    row = core.row("select * from pgflow.worker_functions")
    assert (row.function_name, row.enabled, row.last_invoked_at) == ("fn", True, None)
    assert row.updated_at > row.created_at


def test_known(core: Core) -> None:
    core.run_sql(
        """insert into pgflow.worker_functions (function_name, enabled, debounce, last_invoked_at, updated_at)
           values ('fn', false, '9 seconds', now(), now() - interval '1 day')"""
    )
    before = core.row("select * from pgflow.worker_functions")
    core.run_sql("select pgflow.track_worker_function('fn')")
    after = core.row("select * from pgflow.worker_functions")
    assert after.updated_at > core.now()
    assert after._replace(updated_at=None) == before._replace(updated_at=None)


def test_it_leaves_a_workers_address_alone(core: Core) -> None:
    core.run_sql("select pgflow.track_worker('fn', 'http://10.0.0.7:8080/fn')")
    core.run_sql("select pgflow.track_worker_function('fn')")
    assert core.value("select url from pgflow.worker_functions") == "http://10.0.0.7:8080/fn"
