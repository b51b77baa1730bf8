"""A flow goes with all that it has (specification/core.md, "Reading and deleting")."""

from __future__ import annotations

from tests.support.core import Core


def test_everything_of_the_flow_and_nothing_else(core: Core) -> None:
    for flow in ("f", "g"):
        core.flow(flow, "a", "m:map < a")
        core.start_flow(flow)
        core.work(flow, [1, 2])
        core.poll(flow)
        core.start_flow(flow)
    core.run_sql("select pgflow.delete_flow_and_data(p_flow_slug => 'f')")
    for table in ("flows", "steps", "deps", "runs", "step_states", "step_tasks"):
        rows = core.rows(f"select flow_slug from pgflow.{table}")
        assert {row.flow_slug for row in rows} == {"g"}, table
    assert [row.queue_name for row in core.rows("select queue_name from pgmq.list_queues()")] == ["g"]
    assert core.value("select to_regclass('pgmq.a_f')") is None
    assert len(core.archive("g")) == 1


def test_the_slug_is_free_again(core: Core) -> None:
    core.flow("f", "a")
    core.run_sql("select pgflow.delete_flow_and_data('f')")
    core.flow("f", "b")
    run = core.start_flow("f")
    assert core.statuses(run.run_id) == {"b": "started"}
