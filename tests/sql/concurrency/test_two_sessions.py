"""Two sessions meet on one run: the second waits for the first, or keeps away from its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, complete, fail, register, release
from tests.support.core import Core, Row
from tests.support.invariants import assert_sound
from tests.support.sessions import Session


@pytest.fixture(autouse=True)
def _sound_afterwards(live: Core) -> Iterator[None]:
    """What the sessions leave behind must be sound."""
    yield
    assert_sound(live)


@pytest.fixture
def first(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture
def second(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


def claimed(live: Core, *steps: str, input: Any = None, **options: int) -> list[Row]:
    live.flow("f", *steps, **options)
    live.start_flow("f", input)
    return claim(live, (register(live, "f"), "f"))


def one_task(core: Core, task: Row, output: Any = None) -> list[Row]:
    return core.complete_task(task.run_id, task.step_slug, task.task_index, output)


def batch(core: Core, task: Row, output: Any = None) -> list[Row]:
    return complete(core, [task], [output])


@pytest.fixture(params=[one_task, batch])
def finish(request: pytest.FixtureRequest) -> Callable[..., list[Row]]:
    chosen: Callable[..., list[Row]] = request.param
    return chosen


class TestCompletions:
    def test_the_last_two_tasks_of_a_map(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        left, right = claimed(live, "m:map", "s < m", input=[1, 2])
        first.do(lambda core: finish(core, left, "l"))
        future = second.blocked_or_done(lambda core: finish(core, right, "r"))
        first.commit()
        future.result(timeout=30)
        second.commit()
        step = live.step(left.run_id, "m")
        assert (step.status, step.remaining_tasks, step.output) == ("completed", 0, ["l", "r"])
        assert live.statuses(left.run_id)["s"] == "started"

    def test_two_parents_of_one_child(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        a, b = sorted(claimed(live, "a", "b", "c < a b"), key=lambda task: str(task.step_slug))
        first.do(lambda core: finish(core, a, 1))
        future = second.blocked_or_done(lambda core: finish(core, b, 2))
        first.commit()
        future.result(timeout=30)
        second.commit()
        step = live.step(a.run_id, "c")
        assert (step.status, step.remaining_deps) == ("started", 0)
        assert live.poll("f")[0].input == {"a": 1, "b": 2}

    def test_the_last_two_steps_of_a_run(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        a, b = sorted(claimed(live, "a", "b"), key=lambda task: str(task.step_slug))
        first.do(lambda core: finish(core, a, 1))
        future = second.blocked_or_done(lambda core: finish(core, b, 2))
        first.commit()
        future.result(timeout=30)
        second.commit()
        run = live.run(a.run_id)
        assert (run.status, run.output, run.remaining_steps) == ("completed", {"a": 1, "b": 2}, 0)

    def test_the_same_task_twice(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        (task,) = claimed(live, "a", "b < a")
        first.do(lambda core: finish(core, task, "first"))
        future = second.blocked_or_done(lambda core: finish(core, task, "second"))
        first.commit()
        future.result(timeout=30)
        second.commit()
        assert live.task(task.run_id, "a").output == "first"
        assert live.step(task.run_id, "b").remaining_deps == 0

    def test_after_the_first_gave_up(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        left, right = claimed(live, "m:map", input=[1, 2])
        first.do(lambda core: finish(core, left))
        future = second.blocked_or_done(lambda core: finish(core, right))
        first.rollback()
        future.result(timeout=30)
        second.commit()
        assert live.step(left.run_id, "m").remaining_tasks == 1

    def test_runs_do_not_wait_for_each_other(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        live.flow("f", "a")
        live.start_flow("f")
        live.start_flow("f")
        one, other = claim(live, (register(live, "f"), "f"))
        first.do(lambda core: finish(core, one))
        second.do(lambda core: finish(core, other))
        second.commit()
        assert live.run(other.run_id).status == "completed"
        first.commit()


class TestFailAgainstComplete:
    def test_the_failure_comes_first(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        a, b = sorted(claimed(live, "a", "b", max_attempts=1), key=lambda task: str(task.step_slug))
        first.do(lambda core: fail(core, [a]))
        future = second.blocked_or_done(lambda core: finish(core, b, 1))
        first.commit()
        future.result(timeout=30)
        second.commit()
        task = live.task(b.run_id, "b")
        assert (task.status, task.output) == ("started", None)
        assert live.run(b.run_id).status == "failed"

    def test_the_completion_comes_first(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        (task,) = claimed(live, "a", "b < a", max_attempts=1)
        first.do(lambda core: finish(core, task, 1))
        future = second.blocked_or_done(lambda core: fail(core, [task]))
        first.commit()
        assert [row.outcome for row in future.result(timeout=30)] == ["stale"]
        second.commit()
        assert live.run(task.run_id).status == "started"

    def test_two_failures_of_one_run(self, live: Core, first: Session, second: Session) -> None:
        left, right = claimed(live, "m:map", input=[1, 2], max_attempts=1)
        first.do(lambda core: fail(core, [left]))
        future = second.blocked_or_done(lambda core: fail(core, [right]))
        first.commit()
        future.result(timeout=30)
        second.commit()
        assert [task.status for task in live.tasks(left.run_id)] == ["failed", "failed"]

    def test_two_skips_of_one_step(self, live: Core, first: Session, second: Session) -> None:
        live.create_flow("f", max_attempts=1)
        live.add_step("f", "m", [], step_type="map", when_exhausted="skip")
        live.add_step("f", "b", ["m"])
        run = live.start_flow("f", [1, 2])
        left, right = claim(live, (register(live, "f"), "f"))
        first.do(lambda core: fail(core, [left]))
        future = second.blocked_or_done(lambda core: fail(core, [right]))
        first.commit()
        future.result(timeout=30)
        second.commit()
        assert live.run(run.run_id).remaining_steps == 1

    def test_a_type_violation_against_a_completion(
        self, live: Core, first: Session, second: Session, finish: Callable[..., Any]
    ) -> None:
        a, b = sorted(claimed(live, "a", "b", "m:map < a"), key=lambda task: str(task.step_slug))
        first.do(lambda core: finish(core, a, "no array"))
        future = second.blocked_or_done(lambda core: finish(core, b, 1))
        first.commit()
        future.result(timeout=30)
        second.commit()
        assert live.statuses(a.run_id) == {"a": "failed", "b": "started", "m": "created"}


class TestStarting:
    def test_the_same_messages(self, live: Core, first: Session, second: Session) -> None:
        live.flow("f", "m:map")
        run = live.start_flow("f", [1, 2])
        ids = live.read("f", 2)
        one, other = register(live, "f"), register(live, "f")
        assert len(first.do(lambda core: core.start_tasks("f", ids, one))) == 2
        future = second.blocked_or_done(lambda core: core.start_tasks("f", ids, other))
        first.commit()
        assert future.result(timeout=30) == []
        second.commit()
        tasks = live.tasks(run.run_id)
        assert {(task.attempts_count, task.last_worker_id) for task in tasks} == {(1, one)}

    def test_two_claims_share(self, live: Core, first: Session, second: Session) -> None:
        live.flow("f", "m:map")
        live.start_flow("f", [1, 2, 3, 4])
        one, other = register(live, "f"), register(live, "f")
        mine = first.do(lambda core: claim(core, (one, "f"), max_tasks=2))
        theirs = second.do(lambda core: claim(core, (other, "f"), max_tasks=4))
        first.commit()
        second.commit()
        assert [task.task_index for task in mine] == [0, 1]
        assert [task.task_index for task in theirs] == [2, 3]

    def test_a_claim_against_a_failing_run(self, live: Core, first: Session, second: Session) -> None:
        """The run fails while a worker claims a sibling: the claim must not revive it."""
        tasks = claimed(live, "a", "b", max_attempts=1)
        a, b = sorted(tasks, key=lambda task: str(task.step_slug))
        release(live, [b])
        worker = register(live, "f")
        first.do(lambda core: fail(core, [a]))
        future = second.blocked_or_done(lambda core: claim(core, (worker, "f")))
        first.commit()
        assert future.result(timeout=30) == []
        second.commit()
        assert live.task(b.run_id, "b").status == "queued"

    def test_a_failing_run_against_a_claim(self, live: Core, first: Session, second: Session) -> None:
        tasks = claimed(live, "a", "b", max_attempts=1)
        a, b = sorted(tasks, key=lambda task: str(task.step_slug))
        release(live, [b])
        worker = register(live, "f")
        assert len(first.do(lambda core: claim(core, (worker, "f")))) == 1
        future = second.blocked_or_done(lambda core: fail(core, [a]))
        first.commit()
        future.result(timeout=30)
        second.commit()
        assert live.run(a.run_id).status == "failed"

    def test_the_same_run_id(self, live: Core, first: Session, second: Session) -> None:
        live.flow("f", "a")
        run_id = uuid4()
        first.do(lambda core: core.start_flow("f", {"x": 1}, run_id))
        future = second.blocked_or_done(lambda core: core.start_flow("f", {"x": 1}, run_id))
        first.commit()
        assert future.result(timeout=30).run_id == run_id
        second.commit()
        assert len(live.queue("f")) == 1

    def test_the_same_run_id_with_another_input(self, live: Core, first: Session, second: Session) -> None:
        live.flow("f", "a")
        run_id = uuid4()
        first.do(lambda core: core.start_flow("f", {"x": 1}, run_id))

        def other(core: Core) -> None:
            with core.refused(sqlstate="PF002"):
                core.start_flow("f", {"x": 2}, run_id)

        future = second.blocked_or_done(other)
        first.commit()
        future.result(timeout=30)

    def test_the_same_run_ids_in_opposite_order(self, live: Core, first: Session, second: Session) -> None:
        live.flow("f", "a")
        ids = [uuid4() for _ in range(2)]

        def start(core: Core, run_ids: list[UUID]) -> list[Row]:
            return core.rows("select * from pgflow.start_flows('f', %s, %s)", [Jsonb(1), Jsonb(1)], run_ids)

        first.do(lambda core: start(core, ids))
        future = second.blocked_or_done(lambda core: start(core, ids[::-1]))
        first.commit()
        assert [row.run_id for row in future.result(timeout=30)] == ids[::-1]
        second.commit()
        assert len(live.queue("f")) == 2


class TestRecovery:
    @pytest.fixture
    def task(self, live: Core) -> Row:
        """A task whose worker has stopped."""
        (task,) = claimed(live, "a", "b < a")
        live.run_sql("select pgflow.mark_worker_stopped(%s)", task.worker_id)
        return task

    def test_a_completion_comes_first(
        self, live: Core, first: Session, second: Session, task: Row, finish: Callable[..., Any]
    ) -> None:
        first.do(lambda core: finish(core, task, 1))
        future = second.blocked_or_done(lambda core: core.value("select pgflow.recover_stalled_tasks()"))
        first.commit()
        assert future.result(timeout=30) == 0
        second.commit()
        assert live.task(task.run_id, "a").status == "completed"
        assert live.statuses(task.run_id)["b"] == "started"

    def test_the_recovery_comes_first(
        self, live: Core, first: Session, second: Session, task: Row, finish: Callable[..., Any]
    ) -> None:
        assert first.do(lambda core: core.value("select pgflow.recover_stalled_tasks()")) == 1
        future = second.blocked_or_done(lambda core: finish(core, task, 1))
        first.commit()
        future.result(timeout=30)
        second.commit()
        stored = live.task(task.run_id, "a")
        assert (stored.status, stored.output, stored.requeued_count) == ("queued", None, 1)
        assert len(live.read("f")) == 1

    def test_the_recovery_comes_before_a_failure(
        self, live: Core, first: Session, second: Session, task: Row
    ) -> None:
        first.do(lambda core: core.value("select pgflow.recover_stalled_tasks()"))
        future = second.blocked_or_done(lambda core: fail(core, [task], retryable=[False]))
        first.commit()
        assert [row.outcome for row in future.result(timeout=30)] == ["stale"]
        second.commit()
        assert live.run(task.run_id).status == "started"

    @pytest.mark.parametrize("function", ["recover_stalled_tasks", "requeue_stalled_tasks"])
    def test_a_run_that_somebody_works_on_is_passed_by(
        self, live: Core, first: Session, second: Session, task: Row, function: str
    ) -> None:
        """Recovery waits for nobody: one slow transaction must not stop it for all runs."""
        live.run_sql("update pgflow.step_tasks set queued_at = now() - interval '1 day'")
        live.run_sql("update pgflow.step_tasks set started_at = now() - interval '1 day'")
        first.do(lambda core: complete(core, [task]))
        assert second.do(lambda core: core.value(f"select pgflow.{function}()")) == 0
        second.commit()
        first.commit()
        assert live.task(task.run_id, "a").status == "completed"

    def test_two_recoveries(self, live: Core, first: Session, second: Session, task: Row) -> None:
        first.do(lambda core: core.value("select pgflow.recover_stalled_tasks()"))
        future = second.blocked_or_done(lambda core: core.value("select pgflow.recover_stalled_tasks()"))
        first.commit()
        assert future.result(timeout=30) == 0
        second.commit()
        assert live.task(task.run_id, "a").requeued_count == 1

    def test_a_release_against_the_recovery(
        self, live: Core, first: Session, second: Session, task: Row
    ) -> None:
        first.do(lambda core: release(core, [task]))
        future = second.blocked_or_done(lambda core: core.value("select pgflow.recover_stalled_tasks()"))
        first.commit()
        assert future.result(timeout=30) == 0
        second.commit()
        stored = live.task(task.run_id, "a")
        assert (stored.status, stored.attempts_count, stored.requeued_count) == ("queued", 0, 0)


class TestDefinitions:
    def test_the_same_flow(self, live: Core, first: Session, second: Session) -> None:
        first.do(lambda core: core.create_flow("f", max_attempts=7))
        future = second.blocked_or_done(lambda core: core.create_flow("f", max_attempts=8))
        first.commit()
        assert future.result(timeout=30).opt_max_attempts == 7
        second.commit()

    def test_slugs_that_differ_in_case_only(self, live: Core, first: Session, second: Session) -> None:
        first.do(lambda core: core.create_flow("crawl"))

        def other(core: Core) -> None:
            with core.refused():
                core.create_flow("Crawl")

        future = second.blocked_or_done(other)
        first.commit()
        future.result(timeout=30)

    def test_compiling_the_same_flow(self, live: Core, first: Session, second: Session) -> None:
        shape = Jsonb({"steps": [{"slug": "a", "stepType": "single"}]})

        def compile_flow(core: Core) -> str:
            found: dict[str, str] = core.value("select pgflow.ensure_flow_compiled('f', %s)", shape)
            return found["status"]

        assert first.do(compile_flow) == "compiled"
        future = second.blocked_or_done(compile_flow)
        assert not future.done()
        first.commit()
        second_status = future.result(timeout=30)
        second.commit()
        assert second_status in ("verified", "mismatch")
        assert live.value("select count(*) from pgflow.steps") == 1
