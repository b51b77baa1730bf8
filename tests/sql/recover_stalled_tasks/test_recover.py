"""`recover_stalled_tasks`: what workers call; it also looks at the workers themselves."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.batch import claim_one, complete, register
from tests.support.core import Core, Row

PAST = "now() - interval '1 day'"


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


@pytest.fixture
def task(core: Core, worker: UUID) -> Row:
    core.flow("f", "a", "b < a", timeout=1000, max_attempts=2)
    core.start_flow("f")
    return claim_one(core, worker, "f")


def recover(core: Core) -> int:
    found: int = core.value("select pgflow.recover_stalled_tasks()")
    return found


def heartbeat_ago(core: Core, worker: UUID, seconds: int) -> None:
    """The worker was last heard of, and started its tasks, so many seconds ago."""
    core.run_sql(
        """update pgflow.workers set started_at = now() - interval '1 day',
             last_heartbeat_at = now() - make_interval(secs => %s) where worker_id = %s""",
        seconds,
        worker,
    )
    core.run_sql(
        f"""update pgflow.step_tasks set queued_at = {PAST}, started_at = now() - make_interval(secs => %s)
            where status = 'started' and last_worker_id = %s""",
        seconds,
        worker,
    )


def test_a_living_worker_keeps_its_task(core: Core, task: Row) -> None:
    assert recover(core) == 0
    assert core.task(task.run_id, "a").status == "started"


@pytest.mark.parametrize(("seconds", "expected"), [(29, 0), (31, 1)])
def test_the_timeout(core: Core, task: Row, seconds: int, expected: int) -> None:
    core.run_sql(
        f"update pgflow.step_tasks set queued_at = {PAST}, started_at = now() - make_interval(secs => %s)",
        1000 + seconds,
    )
    assert recover(core) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(25, 0), (31, 1)])
def test_an_old_heartbeat(core: Core, task: Row, worker: UUID, seconds: int, expected: int) -> None:
    heartbeat_ago(core, worker, seconds)
    assert recover(core) == expected
    stored = core.task(task.run_id, "a")
    assert stored.status == ("queued" if expected else "started")
    if expected:
        assert (stored.started_at, stored.last_worker_id, stored.requeued_count) == (None, None, 1)
        again = claim_one(core, register(core, "f"), "f")
        assert (again.step_slug, again.attempt) == ("a", 2)


def test_a_stopped_worker(core: Core, task: Row, worker: UUID) -> None:
    core.run_sql("select pgflow.mark_worker_stopped(%s)", worker)
    assert recover(core) == 1


def test_the_requeue_of_the_contract_looks_at_timeouts_only(core: Core, task: Row, worker: UUID) -> None:
    core.run_sql("select pgflow.mark_worker_stopped(%s)", worker)
    heartbeat_ago(core, worker, 500)
    assert core.value("select pgflow.requeue_stalled_tasks()") == 0


def test_a_late_worker_is_fenced_off(core: Core, task: Row, worker: UUID) -> None:
    heartbeat_ago(core, worker, 60)
    recover(core)
    again = claim_one(core, register(core, "f"), "f")
    (row,) = complete(core, [task], ["of the old worker"])
    assert row.outcome == "stale"
    assert complete(core, [again], ["of the new worker"]) == []
    assert core.task(task.run_id, "a").output == "of the new worker"


def test_attempts_of_dead_workers_do_not_count(core: Core, task: Row, worker: UUID) -> None:
    heartbeat_ago(core, worker, 60)
    recover(core)
    again = claim_one(core, register(core, "f"), "f")
    core.fail_task(again.run_id, "a")
    assert core.task(task.run_id, "a").status == "queued"


class TestStalledForGood:
    @pytest.fixture(autouse=True)
    def _often_requeued(self, core: Core, task: Row, worker: UUID) -> None:
        others = "array(select gen_random_uuid() from generate_series(1, 3))"
        core.run_sql(f"update pgflow.step_tasks set killed_workers = {others}")
        core.run_sql("select pgflow.mark_worker_stopped(%s)", worker)
        core.clear_events()

    def test_the_run_fails(self, core: Core, task: Row) -> None:
        assert recover(core) == 0
        stored, step, run = core.task(task.run_id, "a"), core.step(task.run_id, "a"), core.run(task.run_id)
        assert (stored.status, stored.permanently_stalled_at) == ("failed", core.now())
        assert (step.status, run.status) == ("failed", "failed")
        for text in (stored.error_message, step.error_message, run.error_message):
            assert "stalled" in text
        assert core.queue("f") == []
        assert core.event_names() == ["step:a:failed", "run:failed"]

    def test_when_exhausted_applies(self, core: Core, task: Row) -> None:
        core.run_sql("update pgflow.steps set when_exhausted = 'skip' where step_slug = 'a'")
        recover(core)
        assert core.statuses(task.run_id) == {"a": "skipped", "b": "started"}
        assert core.run(task.run_id).status == "started"

    def test_tasks_that_the_contract_function_gave_up_are_ended_too(self, core: Core, task: Row) -> None:
        core.run_sql(
            f"update pgflow.step_tasks set queued_at = {PAST}, started_at = {PAST}, requeued_count = 3"
        )
        assert core.value("select pgflow.requeue_stalled_tasks()") == 0
        assert core.run(task.run_id).status == "started"
        assert recover(core) == 0
        assert core.run(task.run_id).status == "failed"

    def test_twice_changes_nothing(self, core: Core, task: Row) -> None:
        recover(core)
        events = len(core.events())
        assert recover(core) == 0
        assert len(core.events()) == events


def test_a_worker_whose_row_is_gone(core: Core, task: Row) -> None:
    """Pruning deletes workers that died long ago; what they held goes back by the timeout at the latest."""
    core.run_sql("delete from pgflow.workers")
    register(core, "f")
    core.run_sql(f"update pgflow.step_tasks set queued_at = {PAST}, started_at = {PAST}")
    assert recover(core) == 1
    assert core.task(task.run_id, "a").status == "queued"
