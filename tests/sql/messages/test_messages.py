"""Queues and messages (specification/core.md, "Messages")."""

from __future__ import annotations

from tests.support.core import Core


def bodies(core: Core, flow_slug: str = "f") -> list[tuple[str, int]]:
    return [(row.message["step_slug"], row.message["task_index"]) for row in core.queue(flow_slug)]


def test_body_and_headers(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    (message,) = core.queue("f")
    assert message.message == {"flow_slug": "f", "run_id": str(run.run_id), "step_slug": "a", "task_index": 0}
    assert type(message.message["task_index"]) is int
    assert message.headers is None


def test_order_is_by_slug_then_index(core: Core) -> None:
    core.flow("f", "branch1", "branch2", "m:map", "z")
    core.start_flow("f", [1, 2, 3])
    assert bodies(core) == [("branch1", 0), ("branch2", 0), ("m", 0), ("m", 1), ("m", 2), ("z", 0)]


def test_order_of_steps_released_together(core: Core) -> None:
    core.flow("f", "a", "root_a < a", "root_b < a")
    core.start_flow("f")
    core.work("f", 1)
    assert bodies(core) == [("root_a", 0), ("root_b", 0)]
    assert core.poll("f")[0].step_slug == "root_a"
    assert core.poll("f")[0].step_slug == "root_b"


def test_each_flow_has_its_queue(core: Core) -> None:
    """Both first messages have id 1: a task is found by flow and id."""
    core.flow("f", "a")
    core.flow("g", "a")
    first, second = core.start_flow("f"), core.start_flow("g")
    assert core.task(first.run_id, "a").message_id == core.task(second.run_id, "a").message_id
    (started,) = core.poll("g")
    assert started.run_id == second.run_id
    assert core.task(first.run_id, "a").status == "queued"
    core.complete_task(second.run_id, "a", 0, 1)
    assert (len(core.queue("f")), len(core.queue("g"))) == (1, 0)
    assert (len(core.archive("f")), len(core.archive("g"))) == (0, 1)


def test_failing_a_run_leaves_other_flows_alone(core: Core) -> None:
    core.flow("f", "a", "b", max_attempts=1)
    core.flow("g", "a", "b", max_attempts=1)
    core.start_flow("f")
    core.start_flow("g")
    (task,) = core.poll("f")
    core.fail_task(task.run_id, task.step_slug)
    assert (len(core.queue("f")), len(core.queue("g"))) == (0, 2)


def test_archived_messages_keep_id_and_body(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    (before,) = core.queue("f")
    core.work("f", 1)
    (after,) = core.archive("f")
    assert (after.msg_id, after.message) == (before.msg_id, before.message)
