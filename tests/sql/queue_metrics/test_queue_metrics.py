"""The view of the flows' queues: what waits, since when, who works."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core, Row
from tests.support.steps_that_wait import add_signal
from tests.support.undo_flows import fail_undo, failed_chain


def metrics(core: Core, flow_slug: str) -> Row:
    return core.row("select * from pgflow.queue_metrics where flow_slug = %s", flow_slug)


def test_an_empty_queue(core: Core) -> None:
    core.flow("f", "a")
    found = metrics(core, "f")
    assert found == ("f", 0, 0, 0, 0, None, None, 0, 0, 0, 0, 0, 0, None, 0, 0, None, 0)


def test_waiting_started_and_delayed_messages(core: Core) -> None:
    core.flow("f", "m:map", base_delay=100)
    run = core.start_flow("f", list(range(5)))
    first, *_ = core.poll("f", 2)
    core.fail_task(run.run_id, "m", first.task_index)
    found = metrics(core, "f")
    assert (found.queue_length, found.visible_count, found.started_count, found.delayed_count) == (5, 3, 1, 1)
    assert found.sent_count == 5


def test_messages_leave_with_their_tasks(core: Core) -> None:
    core.flow("f", "a", "b < a")
    core.start_flow("f")
    core.work("f", 1)
    core.work("f", 2)
    found = metrics(core, "f")
    assert (found.queue_length, found.sent_count, found.longest_wait_seconds) == (0, 2, None)


def test_ages(core: Core) -> None:
    """The oldest message is at work for an hour; another has waited for a minute."""
    core.flow("f", "m:map")
    core.start_flow("f", [1, 2, 3])
    first, second, third = (message.msg_id for message in core.queue("f"))
    core.start_tasks("f", [first])
    move = """update pgmq.q_f set enqueued_at = enqueued_at - %s * interval '1 s',
      vt = vt - %s * interval '1 s' where msg_id = %s"""
    core.run_sql(move, 3600, 0, first)
    core.run_sql(move, 60, 60, second)
    core.run_sql(move, 10, 10, third)
    found = metrics(core, "f")
    assert found.oldest_message_seconds == pytest.approx(3600, abs=30)
    assert found.longest_wait_seconds == pytest.approx(60, abs=30)


def test_only_workers_that_live_and_take_tasks_count(core: Core) -> None:
    core.flow("f", "a")
    core.flow("g", "a")
    alive, silent, stopped, deprecated = (core.worker("f", uuid4()) for _ in range(4))
    core.worker("g")
    core.run_sql(
        """update pgflow.workers set started_at = now() - interval '1 h',
             last_heartbeat_at = now() - interval '31 s' where worker_id = %s""",
        silent,
    )
    core.run_sql("select pgflow.mark_worker_stopped(%s)", stopped)
    core.run_sql("select pgflow.deprecate_worker(%s)", deprecated)
    assert metrics(core, "f").worker_count == 1
    core.run_sql("delete from pgflow.workers where worker_id = %s", alive)
    assert metrics(core, "f").worker_count == 0


def test_messages_that_are_no_tasks_are_harmless(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    core.rows("select pgmq.send('f', '{\"run_id\": \"nonsense\"}'::jsonb, 100)")
    core.rows("select pgmq.send('f', '7'::jsonb, 100)")
    found = metrics(core, "f")
    assert (found.queue_length, found.visible_count, found.started_count, found.delayed_count) == (3, 1, 0, 2)


def test_a_flow_without_its_queue_has_no_row(core: Core) -> None:
    core.flow("f", "a")
    core.flow("G", "a")
    core.rows("select pgmq.drop_queue('f')")
    assert [row.flow_slug for row in core.rows("select * from pgflow.queue_metrics")] == ["G"]
    assert core.rows("select * from pgflow.measure_queue('unknown')") == []


def test_the_archive_is_estimated(live: Core) -> None:
    """The statistics are written when a transaction has committed."""
    live.flow("f", "m:map")
    live.start_flow("f", list(range(40)))
    for task in live.poll("f", 40):
        live.complete_task(task.run_id, "m", task.task_index, 1)
    live.run_sql("analyze pgmq.a_f")
    assert metrics(live, "f").archived_estimate == 40


def test_a_condition_on_the_flow_looks_at_no_other_queue(core: Core) -> None:
    for slug in ("f", "g", "h"):
        core.flow(slug, "a")
    (plan,) = core.value(
        "explain (analyze, format json) select * from pgflow.queue_metrics where flow_slug = 'f'"
    )
    assert calls_of(plan["Plan"], "measure_queue") == 1


def calls_of(node: dict[str, Any], function: str) -> int:
    """How often the plan called a set-returning function."""
    own = int(str(node["Actual Loops"])) if node.get("Function Name") == function else 0
    children = node.get("Plans", [])
    assert isinstance(children, list)
    return own + sum(calls_of(child, function) for child in children)


def test_signals_that_are_waited_for(core: Core) -> None:
    core.create_flow("f")
    add_signal(core, "f", "answer")
    core.flow("g", "a")
    assert metrics(core, "f").longest_signal_wait_seconds is None
    for _ in range(2):
        core.start_flow("f")
    first = core.value("select run_id from pgflow.waiting_signals limit 1")
    core.run_sql(
        "update pgflow.waiting_signals set since = since - interval '1 hour' where run_id = %s", first
    )
    found = metrics(core, "f")
    assert found.waiting_signal_count == 2
    assert found.longest_signal_wait_seconds == pytest.approx(3600, abs=30)
    assert metrics(core, "g").waiting_signal_count == 0


def test_schedules_that_are_paused_failing_and_late(core: Core) -> None:
    core.flow("f", "a")
    spec = {"every": 3600, "timezone": "UTC", "overlap": "skip", "catch_up": "latest"}
    for slug in ("paused", "late", "failing", "well"):
        core.row("select pgflow.create_schedule('f', %s, %s, '1')", slug, Jsonb(spec))
    assert metrics(core, "f")[-4:] == (0, 0, None, 0)
    core.row("select pgflow.pause_schedule('f', 'paused')")
    mine = "kind = 'schedule' and payload ->> 'schedule' = %s"
    core.run_sql(f"update pgflow.timers set due_at = now() - interval '10 min' where {mine}", "late")
    core.run_sql(f"update pgflow.timers set failures = 1 where {mine}", "failing")
    found = metrics(core, "f")
    assert (found.paused_schedule_count, found.failing_schedule_count) == (1, 1)
    assert found.late_schedule_seconds == pytest.approx(600, abs=30)
    assert found.failing_timer_count == 1


def test_undos_that_failed(core: Core) -> None:
    run, undo = failed_chain(core)
    assert metrics(core, "f").failed_undo_count == 0
    fail_undo(core)
    assert metrics(core, "f").failed_undo_count == 1
    (found,) = core.call("list_failed_undos")
    assert (found.run_id, found.of_run_id, found.of_flow_slug, found.end_number) == (undo, run, "f", 1)
    assert core.call("list_failed_undos", after_run_id=undo) == []
    core.call("retry_runs", run_ids=[undo])
    assert metrics(core, "f").failed_undo_count == 0
