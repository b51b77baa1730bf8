"""Whatever fails a run ends all that was open in it, for all who look (specification/core.md, "Statuses")."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.support.core import Core
from tests.support.invariants import assert_sound


def by_a_task(core: Core, run_id: UUID) -> None:
    core.fail_task(run_id, "last", 0, "fatal")


def by_a_condition(core: Core, run_id: UUID) -> None:
    core.complete_task(run_id, "last", 0, {"kind": "wrong"})


def by_what_is_no_array(core: Core, run_id: UUID) -> None:
    core.complete_task(run_id, "items", 0, "no array")


WAYS: dict[str, Callable[[Core, UUID], None]] = {
    "a task": by_a_task,
    "a condition": by_a_condition,
    "what is no array": by_what_is_no_array,
}


@pytest.mark.parametrize("way", WAYS)
def test_tasks_in_every_state(live: Core, way: str) -> None:
    """Started, queued again after an attempt, not yet taken; completed ones and steps stay so."""
    live.create_flow("f", max_attempts=2, base_delay=60)
    live.add_step("f", "last", [], max_attempts=1)
    live.add_step("f", "judged", ["last"], required_input_pattern={"last": {"kind": "x"}}, when_unmet="fail")
    live.add_step("f", "items", [])
    live.add_step("f", "over", ["items"], step_type="map")
    live.add_step("f", "single", [])
    live.add_step("f", "m", [], step_type="map")
    run_id = live.start_flow("f", [1, 2, 3, 4]).run_id
    live.poll("f", 6)  # all but the map's last
    live.complete_task(run_id, "m", 0, 1)
    live.fail_task(run_id, "m", 1, "once")
    WAYS[way](live, run_id)
    run = live.run(run_id)
    assert run.status == "failed"
    shown = live.call("list_tasks", run_id=run_id)
    assert {task.status for task in shown} <= {"completed", "failed", "cancelled"}
    assert {task.ended_at for task in shown if task.status == "cancelled"} == {run.failed_at}
    assert [task.status for task in shown if task.step_slug == "m"] == ["completed", *["cancelled"] * 3]
    counts = live.rows("select * from pgflow.count_tasks(%s)", run_id)
    assert [(row.started, row.waiting, row.polling) for row in counts] == [(0, 0, 0)] * len(counts)
    overview = live.row("select * from pgflow.run_overview where run_id = %s", run_id)
    assert (overview.started_step_count, overview.created_step_count) == (0, 0)
    steps = live.rows("select * from pgflow.step_overview where flow_slug = 'f'")
    assert [(row.started_count, row.created_count) for row in steps] == [(0, 0)] * len(steps)
    assert [(row.queued_task_count, row.started_task_count) for row in steps] == [(0, 0)] * len(steps)
    task = live.value("select pgflow.get_task(%s, 'single', 0)", run_id)
    assert task["status"] == "cancelled"
    assert live.queue("f") == []
    assert live.poll("f", 10) == []
    assert_sound(live)
