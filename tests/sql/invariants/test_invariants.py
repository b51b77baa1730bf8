"""The list of violations finds what it is there for (otherwise the random tests would prove nothing)."""

from __future__ import annotations

import pytest

from tests.support.core import Core
from tests.support.invariants import assert_sound, install, violations


@pytest.fixture
def running(core: Core) -> Core:
    """A completed, a failed, a skipping and three running runs."""
    install(core)
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "a")
    core.add_step("f", "m", ["a"], step_type="map", when_exhausted="skip")
    core.add_step("f", "end", ["m"])
    runs = [core.start_flow("f") for _ in range(6)]
    for _ in runs[:5]:
        core.work("f", [1, 2])
    tasks = [task for task in core.poll("f", 9) if task.step_slug == "m"]
    for task in tasks[:2]:
        core.complete_task(task.run_id, "m", task.task_index, "x")
    core.fail_task(tasks[2].run_id, "m", tasks[2].task_index)
    core.run_sql("select pgmq.set_vt('f', msg_id, 0) from pgmq.q_f")
    (end,) = [task for task in core.poll("f", 50) if task.run_id == runs[0].run_id]
    core.complete_task(end.run_id, "end", 0, 5)
    (other,) = core.tasks(runs[5].run_id)
    core.fail_task(other.run_id, "a")
    return core


def test_a_sound_state(running: Core) -> None:
    assert_sound(running)
    statuses = {row.status for row in running.rows("select status from pgflow.runs")}
    assert statuses == {"started", "completed", "failed"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("update pgflow.runs set remaining_steps = remaining_steps + 1", "remaining_steps"),
        ("update pgflow.step_states set remaining_deps = 2 where step_slug = 'end'", "remaining_deps"),
        (
            "update pgflow.step_states set remaining_tasks = 5 where status = 'started' and step_slug = 'm'",
            "remaining_tasks",
        ),
        ("delete from pgflow.step_tasks where step_slug = 'm' and task_index = 1", "number of tasks"),
        ("update pgflow.step_tasks set task_index = 7 where step_slug = 'm' and task_index = 1", "indexes"),
        (
            "update pgflow.runs set status = 'completed' where status = 'started'",
            "completed run with open steps",
        ),
        ("update pgflow.runs set status = 'failed' where status = 'started'", "failed run"),
        ("update pgflow.runs set output = '{}' where status = 'completed'", "output of a run"),
        ("update pgflow.step_states set output = '[1, 2, 3]' where status = 'completed'", "output of a step"),
        ("delete from pgmq.q_f", "no message"),
        ("update pgmq.q_f set message = message || '{\"task_index\": 9}'", "no message"),
        ("select pgmq.send('f', '{}')", "message nobody needs"),
        (
            "insert into pgmq.q_f (msg_id, vt, message) overriding system value "
            "select msg_id, now(), message from pgmq.a_f",
            "message in two places",
        ),
        ("update pgflow.step_tasks set attempts_count = 9", "attempts"),
        ("delete from realtime.messages where id = (select max(id) from realtime.messages)", "events"),
        (
            "insert into realtime.messages (payload) select payload from realtime.messages "
            "where payload ->> 'event_type' = 'step:started'",
            "events",
        ),
        ("update realtime.messages set id = 1000000 - id", "order of events"),
    ],
)
def test_a_broken_state(running: Core, change: str, rule: str) -> None:
    if "set id" in change:
        running.run_sql("alter table realtime.messages alter column id drop identity")
    running.run_sql(change)
    assert rule in {found[0] for found in violations(running)}


def test_a_step_that_was_forgotten(running: Core) -> None:
    running.run_sql(
        """delete from pgflow.step_tasks t using pgflow.step_states s
           where s.run_id = t.run_id and s.step_slug = t.step_slug and s.status = 'started'"""
    )
    running.run_sql(
        "update pgflow.step_states set status = 'created', remaining_tasks = null, started_at = null "
        "where status = 'started'"
    )
    rules = {found[0] for found in violations(running)}
    assert {"ready but not started", "run without work", "message nobody needs"} <= rules
