"""Steps without open dependencies start (specification/core.md, "Completing")."""

from __future__ import annotations

import pytest

from tests.support.core import Core


def reset(core: Core, slug: str) -> None:
    """Put a started step back to `created`, without tasks and messages."""
    core.run_sql("delete from pgflow.step_tasks where step_slug = %s", slug)
    core.run_sql(
        "update pgflow.step_states set status = 'created', started_at = null, remaining_tasks = null "
        "where step_slug = %s",
        slug,
    )
    core.run_sql("select pgmq.purge_queue('f')")
    core.clear_events()


def test_starts_ready_steps(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run = core.start_flow("f")
    reset(core, "a")
    core.run_sql("select pgflow.start_ready_steps(%s)", run.run_id)
    step = core.step(run.run_id, "a")
    assert (step.status, step.remaining_tasks, step.started_at) == ("started", 1, core.now())
    assert core.step(run.run_id, "b").status == "created"
    (task,) = core.tasks(run.run_id)
    (message,) = core.queue("f")
    assert (task.status, task.task_index, task.message_id) == ("queued", 0, message.msg_id)
    assert (task.attempts_count, task.queued_at, task.started_at) == (0, core.now(), None)
    assert core.event_names() == ["step:a:started"]


def test_calling_it_again_changes_nothing(core: Core) -> None:
    core.flow("f", "a", "m:map")
    run = core.start_flow("f", [1, 2])
    before = (core.tasks(run.run_id), len(core.queue("f")), core.events())
    core.run_sql("select pgflow.start_ready_steps(run_id => %s)", run.run_id)
    assert (core.tasks(run.run_id), len(core.queue("f")), core.events()) == before


@pytest.mark.parametrize("status", ["failed", "completed"])
def test_a_finished_run_starts_nothing(core: Core, status: str) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    reset(core, "a")
    core.run_sql(f"update pgflow.runs set status = '{status}', {status}_at = now()")
    core.run_sql("select pgflow.start_ready_steps(%s)", run.run_id)
    assert core.statuses(run.run_id) == {"a": "created"}
    assert (core.queue("f"), core.events()) == ([], [])


def test_steps_with_unknown_tasks_wait(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    run = core.start_flow("f")
    core.run_sql("update pgflow.step_states set remaining_deps = 0 where step_slug = 'm'")
    core.run_sql("select pgflow.start_ready_steps(%s)", run.run_id)
    assert core.statuses(run.run_id)["m"] == "created"


def test_taskless_steps_are_not_started(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    run = core.start_flow("f")
    core.run_sql("update pgflow.step_states set remaining_deps = 0, initial_tasks = 0 where step_slug = 'm'")
    core.run_sql("select pgflow.start_ready_steps(%s)", run.run_id)
    assert core.statuses(run.run_id)["m"] == "created"


def test_every_message_belongs_to_the_task_of_its_index(core: Core) -> None:
    core.flow("f", "m:map")
    run = core.start_flow("f", list(range(300)))
    by_id = {message.msg_id: message.message for message in core.queue("f")}
    tasks = core.tasks(run.run_id)
    assert [task.task_index for task in tasks] == list(range(300))
    assert [by_id[task.message_id]["task_index"] for task in tasks] == list(range(300))
    assert [task.message_id for task in tasks] == sorted(by_id)


def test_start_delay(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "late", [], start_delay=300)
    core.add_step("f", "later", [], step_type="map", start_delay=7200)
    core.add_step("f", "now", [])
    before = core.clock()
    core.start_flow("f", [1, 2])
    after = core.clock()
    waits = {"late": 300, "later": 7200, "now": 0}
    messages = core.queue("f")
    assert len(messages) == 4
    for message in messages:
        sent = message.vt.timestamp() - waits[message.message["step_slug"]]
        assert before.timestamp() - 0.001 <= sent <= after.timestamp() + 0.001
    (only,) = core.poll("f", 10)
    assert only.step_slug == "now"
