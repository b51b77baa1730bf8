"""The view of steps in the latest runs of their flow, and the function behind it."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.core import Core, Row


def steps(core: Core, flow_slug: str) -> dict[str, Row]:
    rows = core.rows("select * from pgflow.step_overview where flow_slug = %s order by step_index", flow_slug)
    return {row.step_slug: row for row in rows}


def task_took(core: Core, run_id: UUID, step_slug: str, task_index: int, waited: float, took: float) -> None:
    """Set when a completed task was started and completed."""
    core.run_sql(
        """update pgflow.step_tasks
           set started_at = queued_at + make_interval(secs => %s),
             completed_at = queued_at + make_interval(secs => %s)
           where run_id = %s and step_slug = %s and task_index = %s""",
        waited, waited + took, run_id, step_slug, task_index,
    )  # fmt: skip


def test_a_flow_that_never_ran(core: Core) -> None:
    core.flow("f", "b", "a:map < b")
    found = steps(core, "f")
    assert list(found) == ["b", "a"]
    row = found["a"]
    assert (row.step_type, row.step_index, row.run_count, row.window_seconds) == ("map", 1, 0, None)
    assert (row.started_count, row.queued_task_count, row.retry_count) == (0, 0, 0)
    assert (row.completed_per_second, row.duration_p50_seconds, row.wait_p95_seconds) == (None, None, None)


def test_counts_of_states_and_tasks(core: Core) -> None:
    core.flow("f", "a", "m:map < a", "z < m", max_attempts=1)
    done, failed, waiting = (core.start_flow("f").run_id for _ in range(3))
    core.poll("f", 3)
    core.complete_task(done, "a", 0, [1, 2, 3])
    core.complete_task(failed, "a", 0, [1, 2])
    core.poll("f", 4)
    core.complete_task(done, "m", 0, 1)
    core.fail_task(failed, "m", 0)
    found = steps(core, "f")
    a, m, z = found["a"], found["m"], found["z"]
    assert {row.run_count for row in (a, m, z)} == {3}
    assert (a.completed_count, a.started_count, a.completed_task_count, a.started_task_count) == (2, 1, 2, 1)
    assert (m.created_count, m.started_count, m.failed_count) == (1, 1, 1)
    assert (m.queued_task_count, m.started_task_count, m.completed_task_count, m.failed_task_count) == (
        0, 2, 1, 1,
    )  # fmt: skip
    assert (m.cancelled_task_count, m.cancelled_count, z.cancelled_count) == (1, 0, 1)
    assert (z.created_count, z.completed_task_count) == (2, 0)
    assert core.run(waiting).status == "started"


def test_skipped_steps(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "a", required_input_pattern={"go": True})
    core.add_step("f", "b")
    core.start_flow("f", {})
    assert steps(core, "f")["a"].skipped_count == 1
    assert steps(core, "f")["b"].skipped_count == 0


def test_retries_and_requeues_are_told_apart(core: Core) -> None:
    core.flow("f", "a", base_delay=0, max_attempts=5)
    run = core.start_flow("f").run_id
    for _ in range(2):
        core.poll("f")
        core.fail_task(run, "a")
    core.poll("f")
    core.run_sql(
        """update pgflow.step_tasks set queued_at = queued_at - interval '1 h',
             started_at = started_at - interval '1 h' where run_id = %s""",
        run,
    )
    assert core.value("select pgflow.requeue_stalled_tasks()") == 1
    core.poll("f")
    found = steps(core, "f")["a"]
    assert (found.retry_count, found.requeue_count) == (2, 1)


def test_latencies_and_throughput(core: Core) -> None:
    core.flow("f", "m:map")
    run = core.start_flow("f", list(range(101))).run_id
    for task in core.poll("f", 101):
        core.complete_task(run, "m", task.task_index, 1)
    for index in range(101):
        task_took(core, run, "m", index, waited=index / 10, took=index / 100)
    core.run_sql("update pgflow.runs set started_at = now() - interval '101 s' where run_id = %s", run)
    found = steps(core, "f")["m"]
    assert found.duration_p50_seconds == pytest.approx(0.5)
    assert found.duration_p95_seconds == pytest.approx(0.95)
    assert found.duration_p99_seconds == pytest.approx(0.99)
    assert found.wait_p50_seconds == pytest.approx(5)
    assert found.wait_p95_seconds == pytest.approx(9.5)
    assert found.window_seconds == pytest.approx(101, abs=30)
    assert found.completed_per_second == pytest.approx(101 / found.window_seconds)


def test_only_recent_runs_and_of_those_the_latest(core: Core) -> None:
    core.flow("f", "a")
    old, *others = (core.start_flow("f").run_id for _ in range(4))
    core.run_sql("update pgflow.runs set started_at = now() - interval '61 min' where run_id = %s", old)
    for minutes, run in enumerate(others, 1):
        core.run_sql(
            "update pgflow.runs set started_at = now() - %s * interval '1 min' where run_id = %s",
            minutes,
            run,
        )
    assert steps(core, "f")["a"].run_count == 3
    assert core.row("select * from pgflow.measure_steps('f', '2 h')").run_count == 4
    limited = core.row("select * from pgflow.measure_steps('f', max_runs => 2)")
    assert (limited.run_count, limited.created_count + limited.started_count) == (2, 2)
    assert limited.window_seconds == pytest.approx(120, abs=30)


def test_its_cost_does_not_grow_with_old_runs(live: Core) -> None:
    live.flow("f", "a", "b < a")
    costs = []
    for old in (4000, 12_000):
        live.run_sql("select count(*) from pgflow.start_flows('f', array_fill('1'::jsonb, array[%s]))", old)
        live.run_sql("update pgflow.runs set started_at = now() - interval '1 day'")
        live.run_sql("select count(*) from pgflow.start_flows('f', array_fill('1'::jsonb, array[50]))")
        live.run_sql("vacuum (analyze) pgflow.runs, pgflow.step_states, pgflow.step_tasks")
        query = "select * from pgflow.step_overview where flow_slug = 'f'"
        live.rows(query)
        (plan,) = live.value(f"explain (analyze, buffers, format json) {query}")
        costs.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
    assert costs[1] < 2 * costs[0], costs
