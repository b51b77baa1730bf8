"""What pages, commands and views show of a run that was cancelled."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.control import cancel
from tests.support.core import Core

REASON = "wrong customer"


@pytest.fixture
def run_id(core: Core) -> UUID:
    """Cancelled while one of three tasks had completed and another was started; a step waited."""
    core.flow("f", "m:map", "b < m")
    started: UUID = core.start_flow("f", [1, 2, 3]).run_id
    core.work("f", 10)
    core.poll("f")
    cancel(core, started, reason=REASON)
    core.run_sql(
        "update pgflow.runs set cancelled_at = started_at + interval '90 s' where run_id = %s", started
    )
    return started


def test_lists_of_runs(core: Core, run_id: UUID) -> None:
    core.start_flow("f", [1])
    run = core.run(run_id)
    (found,) = core.call("find_runs", only_status="cancelled")
    assert (found.run_id, found.status, found.ended_at) == (run_id, "cancelled", run.cancelled_at)
    assert (found.cancel_reason, found.error_message, found.remaining_steps) == (REASON, None, 2)
    (listed,) = core.call("list_runs", only_status="cancelled")
    assert (listed.run_id, listed.ended_at) == (run_id, run.cancelled_at)
    assert [row.cancel_reason for row in core.call("find_runs", only_flow="f")] == [None, REASON]
    assert core.call("find_runs", only_status="failed") == []


def test_failed_and_cancelled_runs_are_told_apart(core: Core) -> None:
    core.flow("f", "a", max_attempts=1)
    runs = [core.start_flow("f", number).run_id for number in range(6)]
    for task in core.poll("f", 3):
        core.fail_task(task.run_id, "a")
    cancel(core, *runs[3:5])
    for status in ("started", "failed", "cancelled"):
        wanted = core.rows("select run_id from pgflow.runs where status = %s order by run_id desc", status)
        for flow in (None, "f"):
            found = core.call("find_runs", only_status=status, only_flow=flow)
            assert [row.run_id for row in found] == [row.run_id for row in wanted], status


def test_the_view(core: Core, run_id: UUID) -> None:
    found = core.row("select * from pgflow.run_overview where run_id = %s", run_id)
    assert (found.status, found.cancel_reason, found.duration_seconds) == ("cancelled", REASON, 90)
    assert (found.started_step_count, found.created_step_count, found.cancelled_step_count) == (0, 0, 2)


def test_progress(core: Core, run_id: UUID) -> None:
    (row,) = core.rows("select * from pgflow.get_run_progress(array[%s])", run_id)
    run, steps = row.progress["run"], row.progress["steps"]
    assert (run["status"], run["cancel_reason"], run["output"]) == ("cancelled", REASON, None)
    assert core.value("select %s::timestamptz", run["cancelled_at"]) == core.run(run_id).cancelled_at
    assert [(step["step_slug"], step["status"]) for step in steps] == [("m", "cancelled"), ("b", "cancelled")]
    assert all(step["cancelled_at"] for step in steps)


def test_the_whole_run(core: Core, run_id: UUID) -> None:
    found = core.value("select pgflow.get_run_with_states(%s)", run_id)
    assert (found["run"]["status"], found["run"]["cancel_reason"]) == ("cancelled", REASON)
    assert {step["status"] for step in found["steps"]} == {"cancelled"}


def test_tasks(core: Core, run_id: UUID) -> None:
    rows = core.call("list_tasks", run_id=run_id)
    assert [row.status for row in rows] == ["completed", "cancelled", "cancelled"]
    assert [row.ended_at for row in rows[1:]] == [core.now(), core.now()]
    only = core.call("find_tasks", run_id=run_id, only_step="m", only_those="cancelled")
    assert [row.task_index for row in only] == [1, 2]
    task = core.value("select pgflow.get_task(%s, 'm', 1)", run_id)
    assert task["status"] == "cancelled"
    assert task["ended_at"] == task["cancelled_at"]
    (counted,) = core.rows("select * from pgflow.count_tasks(%s)", run_id)
    assert (counted.total, counted.completed, counted.started, counted.cancelled) == (3, 1, 0, 2)


def test_figures(core: Core, run_id: UUID) -> None:
    core.start_flow("f", [1])
    (part,) = core.call("measure_runs", flow_slug="f", part_count=1)
    assert (part.run_count, part.completed_count, part.failed_count, part.cancelled_count) == (2, 0, 0, 1)
    m, b = core.call("measure_steps", flow_slug="f")
    assert (m.started_count, m.cancelled_count, m.cancelled_task_count, m.queued_task_count) == (1, 1, 2, 1)
    assert (b.created_count, b.cancelled_count) == (1, 1)


def test_it_is_no_failure(core: Core, run_id: UUID) -> None:
    assert core.call("get_run_failure", run_id=run_id) == []
    assert core.call("group_failures") == []
    assert core.rows("select * from pgflow.count_stranded_runs(array['f'])") == []
