"""How far the steps of a run have come."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from tests.support.batch import claim, fail, register
from tests.support.core import Core


def test_tasks_by_status(core: Core) -> None:
    core.flow("f", "m:map", "after < m", max_attempts=2)
    run = core.start_flow("f", [1, 2, 3, 4])
    core.start_flow("f", [1])
    core.poll("f", 3)
    core.complete_task(run.run_id, "m", 0, 1)
    core.fail_task(run.run_id, "m", 1)
    rows = core.rows("select * from pgflow.count_tasks(%s)", run.run_id)
    assert [tuple(row) for row in rows] == [("m", 4, 1, 1, 0, 3, 0, 0, 0, 0, None, 0, None)]
    assert core.rows("select * from pgflow.count_tasks(%s)", uuid4()) == []


def test_failed_tasks(core: Core) -> None:
    core.flow("f", "m:map", "n", max_attempts=1)
    run = core.start_flow("f", [1, 2])
    core.poll("f", 3)
    core.fail_task(run.run_id, "m", 1)
    rows = core.rows("select step_slug, total, failed from pgflow.count_tasks(%s)", run.run_id)
    assert [tuple(row) for row in rows] == [("m", 2, 1), ("n", 1, 0)]


def test_what_was_open_when_the_run_failed_is_cancelled(core: Core) -> None:
    core.flow("f", "m:map", "n", max_attempts=1)
    run = core.start_flow("f", [1, 2, 3])
    core.poll("f", 3)
    core.complete_task(run.run_id, "m", 0, 1)
    core.fail_task(run.run_id, "m", 1)
    rows = core.rows("select * from pgflow.count_tasks(%s)", run.run_id)
    assert [tuple(row) for row in rows] == [
        ("m", 3, 1, 0, 1, 3, 1, 0, 0, 0, None, 0, None),
        ("n", 1, 0, 0, 0, 0, 1, 0, 0, 0, None, 0, None),
    ]


def test_what_waits_for_a_time(core: Core) -> None:
    core.flow("f", "m:map", max_attempts=3)
    run = core.start_flow("f", [1, 2, 3])
    worker = register(core, "f")
    tasks = claim(core, (worker, "f"))
    fail(core, tasks[:2], retry_after=[60, 600])
    row = core.row("select *, due_at - now() as left from pgflow.count_tasks(%s)", run.run_id)
    assert (row.total, row.started, row.waiting) == (3, 1, 2)
    assert timedelta(seconds=50) < row.left <= timedelta(seconds=61)
    core.run_sql("select pgflow.cancel_runs(array[%s]::uuid[])", run.run_id)
    row = core.row("select * from pgflow.count_tasks(%s)", run.run_id)
    assert (row.waiting, row.due_at) == (0, None)


def test_failures_that_are_values(core: Core) -> None:
    core.create_flow("f", max_attempts=1, base_delay=0)
    core.add_step("f", "m", step_type="map", when_exhausted="value")
    run = core.start_flow("f", [1, 2])
    tasks = claim(core, (register(core, "f"), "f"))
    fail(core, tasks[:1], ["no such host"])
    (row,) = core.rows("select completed, failed, tolerated, round from pgflow.count_tasks(%s)", run.run_id)
    assert tuple(row) == (1, 0, 1, None)
