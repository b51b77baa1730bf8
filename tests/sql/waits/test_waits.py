"""A task whose retry is more than ten seconds away waits without a message, until a timer sends it."""

from __future__ import annotations

import pytest

from tests.support.batch import claim, claim_one, complete, fail, register
from tests.support.core import Core, Row
from tests.support.timers import fire, pass_time, timers


def failed(core: Core, seconds: int, flow: str = "f") -> Row:
    """A task of a new run that asked to be run again in so many seconds, or failed for so long."""
    run_id = core.start_flow(flow).run_id
    task = claim_one(core, register(core, flow), flow)
    (row,) = fail(core, [task], retry_after=[seconds])
    assert (row.outcome, row.delay) == ("retried", seconds)
    return core.task(run_id, task.step_slug)


def test_a_short_delay_keeps_the_message(core: Core) -> None:
    core.flow("f", "a")
    task = failed(core, 10)
    assert (task.status, task.waits_for) == ("queued", None)
    assert [row.msg_id for row in core.queue("f")] == [task.message_id]
    assert timers(core) == []


def test_a_longer_one_has_a_timer_instead(core: Core) -> None:
    core.flow("f", "a")
    task = failed(core, 11)
    assert (task.status, task.waits_for, task.message_id, task.started_at) == ("queued", "time", None, None)
    assert core.queue("f") == []
    (timer,) = timers(core)
    assert (timer.kind, timer.run_id, timer.step_slug, timer.task_index) == ("wait", task.run_id, "a", 0)
    assert 10 < timer.seconds <= 11


def test_it_goes_on_when_its_time_has_come(core: Core) -> None:
    core.flow("f", "a")
    task = failed(core, 60)
    worker = register(core, "f")
    assert claim(core, (worker, "f")) == []
    pass_time(core)
    fire(core)
    sent = core.task(task.run_id, "a")
    assert (sent.status, sent.waits_for, sent.attempts_count) == ("queued", None, 1)
    assert [row.msg_id for row in core.queue("f")] == [sent.message_id]
    again = claim_one(core, worker, "f")
    assert again.attempt == 2
    complete(core, [again])
    assert core.run(task.run_id).status == "completed"
    assert timers(core) == []


def test_failures_wait_as_requests_to_run_again_do(core: Core) -> None:
    core.flow("f", "a", base_delay=20)
    core.start_flow("f")
    (row,) = fail(core, [claim_one(core, register(core, "f"), "f")])
    assert (row.outcome, row.delay) == ("retried", 40)
    assert 35 < timers(core)[0].seconds <= 40


def test_the_functions_of_one_task_keep_hidden_messages(core: Core) -> None:
    """Their callers have nobody who fires timers."""
    core.flow("f", "a", base_delay=500)
    run = core.start_flow("f")
    core.poll("f")
    core.fail_task(run.run_id, "a")
    task = core.task(run.run_id, "a")
    assert (task.status, task.waits_for) == ("queued", None)
    assert [row.msg_id for row in core.queue("f")] == [task.message_id]
    assert timers(core) == []


def test_those_of_one_batch_wait_each_for_its_own_time(core: Core) -> None:
    core.flow("f", "a", "b", "c")
    run = core.start_flow("f")
    tasks = sorted(claim(core, (register(core, "f"), "f")), key=lambda task: task.step_slug)
    fail(core, tasks, retry_after=[5, 50, 500])
    assert [task.waits_for for task in core.tasks(run.run_id)] == [None, "time", "time"]
    assert [(timer.step_slug, round(timer.seconds)) for timer in timers(core)] == [("b", 50), ("c", 500)]


def test_an_attempt_that_went_on_some_other_way_is_not_sent_again(core: Core) -> None:
    core.flow("f", "a", max_attempts=5)
    first = failed(core, 60)
    core.run_sql("create temporary table old as select * from pgflow.timers")
    pass_time(core)
    fire(core)
    fail(core, [claim_one(core, register(core, "f"), "f")], retry_after=[60])
    core.run_sql(
        """insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, task_index, payload)
           select now(), kind, flow_slug, run_id, step_slug, task_index, payload from old"""
    )
    assert fire(core).fired_count == 1
    assert core.queue("f") == []
    assert core.task(first.run_id, "a").waits_for == "time"


@pytest.mark.parametrize("mode", ["fail", "skip"])
def test_timers_go_with_their_step(core: Core, mode: str) -> None:
    core.create_flow("f", base_delay=0)
    core.add_step("f", "m", step_type="map", when_exhausted=mode)
    core.add_step("f", "z")
    core.start_flow("f", [1, 2])
    tasks = [task for task in claim(core, (register(core, "f"), "f")) if task.step_slug == "m"]
    fail(core, tasks[:1], retry_after=[600])
    assert len(timers(core)) == 1
    fail(core, tasks[1:], retryable=[False])
    assert timers(core) == []


def test_what_waits_counts_as_no_message(core: Core) -> None:
    """Claims and looks at the queue do not see it."""
    core.flow("f", "a")
    failed(core, 60)
    (found,) = core.rows("select * from pgflow.queue_metrics where flow_slug = 'f'")
    assert (found.queue_length, found.visible_count, found.delayed_count) == (0, 0, 0)
    assert (found.waiting_count, found.failing_timer_count) == (1, 0)
    core.run_sql("update pgflow.timers set failures = 1")
    (found,) = core.rows("select * from pgflow.queue_metrics where flow_slug = 'f'")
    assert (found.waiting_count, found.failing_timer_count) == (1, 1)


def test_idle_workers_sleep_until_then(core: Core) -> None:
    core.flow("f", "a")
    core.flow("g", "a")
    failed(core, 60)
    workers = [register(core, "f"), register(core, "g")]
    for worker in workers:
        assert 55 < core.value("select pgflow.announce_idle(%s, 5)", [worker]) <= 60
    pass_time(core)
    assert core.value("select pgflow.announce_idle(%s, 5)", workers) == 0


def test_readers_say_what_a_task_waits_for_and_until_when(core: Core) -> None:
    core.flow("f", "a", "b")
    run = core.start_flow("f")
    tasks = sorted(claim(core, (register(core, "f"), "f")), key=lambda task: task.step_slug)
    fail(core, tasks, retry_after=[600, 5])
    (timer,) = timers(core)
    for found in (
        core.rows("select * from pgflow.list_tasks(%s)", run.run_id),
        core.rows("select * from pgflow.find_tasks(%s, 'a', 'polling')", run.run_id)
        + core.rows("select * from pgflow.find_tasks(%s, 'b', 'polling')", run.run_id),
    ):
        assert [(row.step_slug, row.waits_for, row.due_at) for row in found] == [
            ("a", "time", timer.due_at),
            ("b", None, None),
        ]
    one = core.value("select pgflow.get_task(%s, 'a', 0)", run.run_id)
    assert (one["waits_for"], one["due_at"] is None) == ("time", False)


def test_what_its_run_has_left_behind_waits_for_nothing(core: Core) -> None:
    core.flow("f", "a", "b")
    run = core.start_flow("f")
    tasks = sorted(claim(core, (register(core, "f"), "f")), key=lambda task: task.step_slug)
    fail(core, tasks[:1], retry_after=[600])
    fail(core, tasks[1:], retryable=[False])
    (a, _) = core.rows("select * from pgflow.list_tasks(%s)", run.run_id)
    assert (a.status, a.waits_for, a.due_at) == ("cancelled", None, None)
    assert core.value("select pgflow.get_task(%s, 'a', 0)", run.run_id)["waits_for"] is None
