"""`fail_tasks` fails many tasks in one call, fenced, and tells what became of each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.support.batch import changed, claim, complete, fail, register, release
from tests.support.core import Core, Row
from tests.support.timers import timers


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


def claimed(core: Core, worker: UUID, *steps: str, input: Any = None, **options: int) -> list[Row]:
    core.flow("f", *steps, **options)
    core.start_flow("f", input)
    return claim(core, (worker, "f"))


def due(core: Core) -> float:
    """When the only task of the flow is to run again, wherever that is kept."""
    (at,) = [row.vt for row in core.queue("f")] + [timer.due_at for timer in timers(core)]
    return float(at.timestamp())


def test_retry(core: Core, worker: UUID) -> None:
    (task,) = claimed(core, worker, "a", base_delay=7, max_attempts=4)
    before = core.clock().timestamp()
    (row,) = fail(core, [task], ["first"])
    after = core.clock().timestamp()
    assert (row.outcome, row.flow_slug, row.run_id, row.step_slug) == ("retried", "f", task.run_id, "a")
    assert (row.task_index, row.worker_id) == (0, worker)
    assert (row.delay, row.attempt, row.max_attempts) == (14, 1, 4)
    stored = core.task(task.run_id, "a")
    assert (stored.status, stored.attempts_count, stored.started_at) == ("queued", 1, None)
    assert stored.error_message == "first"
    assert before - 0.001 <= due(core) - 14 <= after + 0.001


def test_exhausted(core: Core, worker: UUID) -> None:
    tasks = claimed(core, worker, "a", "b", max_attempts=1)
    (row,) = fail(core, [task for task in tasks if task.step_slug == "a"], ["boom"])
    assert (row.outcome, row.step_slug, row.attempt, row.max_attempts) == ("failed", "a", 1, 1)
    run = core.run(row.run_id)
    assert (run.status, run.error_message) == ("failed", "boom")
    assert core.queue("f") == []
    assert core.event_names()[-2:] == ["step:a:failed", "run:failed"]


@pytest.mark.parametrize("mode", ["skip", "skip-cascade"])
def test_skipped(core: Core, worker: UUID, mode: str) -> None:
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "a", [], when_exhausted=mode)
    core.add_step("f", "b", ["a"])
    core.start_flow("f")
    (row,) = fail(core, claim(core, (worker, "f")))
    assert row.outcome == "skipped"
    assert core.run(row.run_id).status == ("started" if mode == "skip" else "completed")
    assert core.statuses(row.run_id) == {"a": "skipped", "b": "started" if mode == "skip" else "skipped"}


def test_one_row_for_each_element(core: Core, worker: UUID) -> None:
    core.create_flow("f", max_attempts=5)
    core.add_step("f", "a")
    core.add_step("f", "b", [], max_attempts=1, when_exhausted="skip")
    core.add_step("f", "c")
    core.start_flow("f")
    tasks = claim(core, (worker, "f"))
    attempts = {"a": 1, "b": 1, "c": 9}
    rows = fail(core, [changed(task, attempt=attempts[task.step_slug]) for task in tasks])
    assert {row.step_slug: row.outcome for row in rows} == {"a": "retried", "b": "skipped", "c": "stale"}


class TestRetryable:
    def test_false_exhausts_at_once(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=9)
        (row,) = fail(core, [task], ["never"], retryable=[False])
        assert row.outcome == "failed"
        assert core.run(task.run_id).status == "failed"
        assert core.task(task.run_id, "a").error_message == "never"

    @pytest.mark.parametrize("value", [True, None])
    def test_true_and_null_change_nothing(self, core: Core, worker: UUID, value: bool | None) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=2)
        assert fail(core, [task], retryable=[value])[0].outcome == "retried"

    def test_when_exhausted_applies(self, core: Core, worker: UUID) -> None:
        core.create_flow("f", max_attempts=9)
        core.add_step("f", "a", [], when_exhausted="skip")
        core.start_flow("f")
        (row,) = fail(core, claim(core, (worker, "f")), retryable=[False])
        assert row.outcome == "skipped"
        assert core.run(row.run_id).status == "completed"

    def test_true_does_not_lift_the_limit(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=1)
        assert fail(core, [task], retryable=[True])[0].outcome == "failed"


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("after", "delay"), [(0, 0), (33, 33), (259_200, 259_200), (2_000_000_000, 31_536_000)]
    )
    def test_replaces_the_delay(self, core: Core, worker: UUID, after: int, delay: int) -> None:
        (task,) = claimed(core, worker, "a", base_delay=7)
        begin = core.clock().timestamp()
        (row,) = fail(core, [task], retry_after=[after])
        end = core.clock().timestamp()
        assert (row.outcome, row.delay) == ("retried", delay)
        assert begin - 0.001 <= due(core) - delay <= end + 0.001

    def test_null_means_the_usual_delay(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "m:map", input=[1, 2], base_delay=7)
        rows = fail(core, tasks, retry_after=[None, 1])
        assert {row.task_index: row.delay for row in rows} == {0: 14, 1: 1}

    def test_asking_to_run_again_is_no_failure(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "m:map", input=[1, 2], max_attempts=9)
        fail(core, tasks, retry_after=[0, None])
        asked, failed = core.tasks(tasks[0].run_id)
        assert (asked.again_count, failed.again_count) == (1, None)
        assert asked.attempt_errors[-1]["again_in"] == 0
        assert "again_in" not in failed.attempt_errors[-1]
        (counts,) = core.call("count_tasks", run_id=tasks[0].run_id)
        assert (counts.again, counts.polling) == (1, 1)
        for again in (2, 3):
            (task,) = claim(core, (worker, "f"))
            fail(core, [task], retry_after=[0])
            asked = core.task(task.run_id, "m", 0)
            assert (asked.again_count, [item["attempt"] for item in asked.attempt_errors]) == (again, [again])
        (row,) = core.rows("select * from pgflow.measure_steps('f')")
        assert (row.again_count, row.retry_count) == (3, 0)

    def test_it_does_not_lift_the_limit(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=1)
        assert fail(core, [task], retry_after=[5])[0].outcome == "failed"


class TestFence:
    def test_refused(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=1)
        before, vt = core.task(task.run_id, "a"), core.queue("f")[0].vt
        other = register(core, "f")
        for wrong in (changed(task, worker_id=other), changed(task, attempt=2), changed(task, task_index=4)):
            (row,) = fail(core, [wrong])
            assert row.outcome == "stale"
        assert (core.task(task.run_id, "a"), core.queue("f")[0].vt) == (before, vt)
        assert core.run(task.run_id).status == "started"

    def test_a_task_that_went_back(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=1)
        release(core, [task])
        assert fail(core, [task])[0].outcome == "stale"
        assert core.run(task.run_id).status == "started"

    def test_a_completed_task(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=1)
        complete(core, [task], [1])
        assert fail(core, [task])[0].outcome == "stale"
        assert core.run(task.run_id).status == "completed"

    def test_the_same_task_twice_in_a_call(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=2)
        rows = fail(core, [task, task])
        assert sorted(row.outcome for row in rows) == ["retried", "stale"]
        assert core.run(task.run_id).status == "started"


def test_several_exhausted_tasks_of_one_run(core: Core, worker: UUID) -> None:
    tasks = claimed(core, worker, "m:map", input=[1, 2, 3], max_attempts=1)
    rows = fail(core, tasks, ["e0", "e1", "e2"])
    assert len(rows) == 3
    assert "retried" not in {row.outcome for row in rows}
    run_id = tasks[0].run_id
    assert [task.status for task in core.tasks(run_id)] == ["failed"] * 3
    assert len(core.events(event_type="run:failed")) == 1
    assert len(core.events(event_type="step:failed")) == 1
    assert core.run(run_id).remaining_steps == 1


def test_several_skipped_tasks_of_one_step_count_once(core: Core, worker: UUID) -> None:
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "m", [], step_type="map", when_exhausted="skip")
    core.add_step("f", "b", ["m"])
    run = core.start_flow("f", [1, 2, 3])
    fail(core, claim(core, (worker, "f")))
    assert core.run(run.run_id).remaining_steps == 1
    assert core.statuses(run.run_id) == {"m": "skipped", "b": "started"}
    assert len(core.events(event_type="step:skipped")) == 1


@pytest.mark.parametrize("column", range(8))
def test_arrays_of_different_length(core: Core, worker: UUID, column: int) -> None:
    (task,) = claimed(core, worker, "a")
    arrays: list[list[Any]] = [[worker], [task.run_id], ["a"], [0], [1], ["x"], [True], [1]]
    arrays[column] = []
    with core.refused(sqlstate="PF005"):
        core.rows(
            "select * from pgflow.fail_tasks(%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[], "
            "%s::text[], %s::boolean[], %s::int[])",
            *arrays,
        )
    assert core.task(task.run_id, "a").status == "started"


def test_nothing_to_fail(core: Core) -> None:
    assert fail(core, []) == []


class TestAttemptErrors:
    def test_the_first_and_the_latest_are_kept(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=20, base_delay=0)
        assert core.task(task.run_id, "a").attempt_errors is None
        for n in range(1, 16):
            fail(core, [task], [f"error {n}" + "x" * 5000])
            if n < 15:
                core.run_sql("update pgmq.q_f set vt = now()")
                (task,) = claim(core, (worker, "f"))
        kept = core.task(task.run_id, "a").attempt_errors
        assert [item["attempt"] for item in kept] == [1, *range(7, 16)]
        assert {len(item["error"]) for item in kept} == {2000}
        assert kept[0]["error"].startswith("error 1x")

    def test_they_stay_with_a_task_that_completes(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", max_attempts=2, base_delay=0)
        fail(core, [task], ["once"])
        core.run_sql("update pgmq.q_f set vt = now()")
        (again,) = claim(core, (worker, "f"))
        complete(core, [again], [1])
        shown = core.value("select pgflow.get_task(%s, 'a', 0)", task.run_id)
        assert [(item["attempt"], item["error"]) for item in shown["attempt_errors"]] == [(1, "once")]


def test_a_stale_failure_does_not_stand_in_the_way_of_the_right_one(core: Core, worker: UUID) -> None:
    """Both in one call, of the same task."""
    (task,) = claimed(core, worker, "a", max_attempts=2)
    rows = fail(core, [changed(task, attempt=0), task, task], ["old", "boom", "again"])
    assert [row.outcome for row in rows] == ["stale", "retried", "stale"]
    assert core.task(task.run_id, "a").error_message == "boom"
