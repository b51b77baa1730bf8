"""By time-outs only, that of the step where it has one (specification/core.md, "Life and recovery")."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.core import Core


def started_ago(core: Core, run_id: UUID, seconds: int, slug: str = "a") -> None:
    """Move the start of a step's tasks into the past, with everything that came before."""
    core.run_sql(
        """update pgflow.step_tasks set queued_at = now() - interval '10 days',
             started_at = now() - make_interval(secs => %s) where run_id = %s and step_slug = %s""",
        seconds,
        run_id,
        slug,
    )


@pytest.fixture
def run_id(core: Core) -> UUID:
    core.flow("f", "a", timeout=100)
    result: UUID = core.start_flow("f").run_id
    core.poll("f")
    return result


def requeue(core: Core) -> int:
    found: int = core.value("select pgflow.requeue_stalled_tasks()")
    return found


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0), (100, 0), (129, 0), (131, 1), (100_000, 1)])
def test_timeout_and_thirty_seconds(core: Core, run_id: UUID, seconds: int, expected: int) -> None:
    started_ago(core, run_id, seconds)
    assert requeue(core) == expected
    assert core.task(run_id, "a").status == ("queued" if expected else "started")


def test_back_to_the_queue(core: Core, run_id: UUID) -> None:
    started_ago(core, run_id, 500)
    core.clear_events()
    before = core.run(run_id)
    assert requeue(core) == 1
    task = core.task(run_id, "a")
    assert (task.status, task.started_at, task.last_worker_id) == ("queued", None, None)
    assert (task.requeued_count, task.last_requeued_at, task.attempts_count) == (1, core.now(), 1)
    assert task.permanently_stalled_at is None
    assert core.queue("f")[0].vt <= core.clock()
    assert core.run(run_id) == before
    assert core.events() == []
    (record,) = core.poll("f")
    assert record.step_slug == "a"
    assert core.task(run_id, "a").attempts_count == 2


@pytest.mark.parametrize(("seconds", "expected"), [(39, 0), (41, 1)])
def test_the_timeout_of_the_step_comes_first(core: Core, seconds: int, expected: int) -> None:
    core.create_flow("f", timeout=100)
    core.add_step("f", "a", [], timeout=10)
    run = core.start_flow("f")
    core.poll("f")
    started_ago(core, run.run_id, seconds)
    assert requeue(core) == expected


def test_a_long_step_of_a_quick_flow_is_left_alone(core: Core) -> None:
    core.create_flow("f", timeout=1)
    core.add_step("f", "a", [], timeout=1000)
    run = core.start_flow("f")
    core.poll("f")
    started_ago(core, run.run_id, 900)
    assert requeue(core) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_three_times(core: Core, run_id: UUID, count: int) -> None:
    core.run_sql("update pgflow.step_tasks set requeued_count = %s", count)
    started_ago(core, run_id, 500)
    assert requeue(core) == 1
    assert core.task(run_id, "a").requeued_count == count + 1


def test_the_fourth_time_is_for_good(core: Core, run_id: UUID) -> None:
    core.run_sql("update pgflow.step_tasks set requeued_count = 3")
    started_ago(core, run_id, 500)
    assert requeue(core) == 0
    task = core.task(run_id, "a")
    assert (task.status, task.requeued_count, task.permanently_stalled_at) == ("started", 3, core.now())
    assert (len(core.queue("f")), len(core.archive("f"))) == (0, 1)
    core.run_sql("update pgflow.step_tasks set permanently_stalled_at = now() - interval '1 hour'")
    assert requeue(core) == 0
    assert core.task(run_id, "a").permanently_stalled_at < core.now()


def test_only_started_tasks(core: Core) -> None:
    core.flow("f", "a", "b", "c", timeout=1)
    run = core.start_flow("f")
    core.start_tasks("f", [core.task(run.run_id, slug).message_id for slug in "ab"])
    core.complete_task(run.run_id, "b", 0, 1)
    started_ago(core, run.run_id, 500)
    assert requeue(core) == 1
    assert [core.task(run.run_id, slug).status for slug in "abc"] == ["queued", "completed", "queued"]


def test_several_runs_and_flows(core: Core) -> None:
    for flow in ("f", "g"):
        core.flow(flow, "a", "m:map", timeout=1)
        for _ in range(2):
            run = core.start_flow(flow, [1, 2])
            core.poll(flow, 10)
            started_ago(core, run.run_id, 500)
            started_ago(core, run.run_id, 500, "m")
    assert requeue(core) == 12
    for flow in ("f", "g"):
        assert len(core.read(flow, 100)) == 6


def test_requeued_attempts_do_not_count_towards_the_limit(core: Core, run_id: UUID) -> None:
    """A dead worker is not the handler's fault: with one attempt allowed, one real failure is needed."""
    core.run_sql("update pgflow.flows set opt_max_attempts = 2")
    started_ago(core, run_id, 500)
    requeue(core)
    core.poll("f")
    core.fail_task(run_id, "a")
    assert core.task(run_id, "a").status == "queued"
    core.run_sql("select pgmq.set_vt('f', msg_id, 0) from pgmq.q_f")
    core.poll("f")
    core.fail_task(run_id, "a")
    assert core.run(run_id).status == "failed"


@pytest.mark.parametrize("message", ["unread", "gone", "unknown"])
def test_the_message_does_not_matter(core: Core, message: str) -> None:
    """Stalled is what the task's row says: rows are moved by hand, queues are purged."""
    core.flow("f", "a", timeout=1)
    run = core.start_flow("f")
    core.run_sql("update pgflow.step_tasks set status = 'started', attempts_count = 1")
    if message == "gone":
        core.run_sql("select pgmq.purge_queue('f')")
    if message == "unknown":
        core.run_sql("update pgflow.step_tasks set message_id = null")
    started_ago(core, run.run_id, 500)
    assert requeue(core) == 1
    assert core.task(run.run_id, "a").status == "queued"
