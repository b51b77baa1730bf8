"""Who is alive: one judgement for all, by signs of life of those that promised some."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.sql.recover_stalled_tasks.test_recover import PAST, heartbeat_ago, recover
from tests.support.batch import claim, claim_one, complete, fail, register
from tests.support.core import Core, Row
from tests.support.sessions import Session


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


@pytest.fixture
def task(core: Core, worker: UUID) -> Row:
    core.flow("f", "a", "b < a", timeout=1000)
    core.start_flow("f")
    return claim_one(core, worker, "f")


def last_sign(core: Core, worker: UUID) -> float:
    """Seconds since the worker's last sign of life."""
    return core.value(  # type: ignore[no-any-return]
        "select extract(epoch from clock_timestamp() - last_heartbeat_at)::float from pgflow.workers"
        " where worker_id = %s",
        worker,
    )


class TestWorkersThatPromisedNoHeartbeat:
    """Their programs write the row themselves, and again between two batches."""

    @pytest.fixture
    def theirs(self, core: Core) -> UUID:
        core.flow("f", "a", timeout=1000)
        core.start_flow("f")
        worker = core.worker("f")
        core.poll("f")
        heartbeat_ago(core, worker, 300)
        return worker

    @pytest.mark.parametrize("ended", [None, "deprecated_at", "stopped_at"])
    def test_only_the_timeout_judges_their_tasks(self, core: Core, theirs: UUID, ended: str | None) -> None:
        if ended:
            core.run_sql(f"update pgflow.workers set {ended} = now()")
        assert recover(core) == 0
        core.run_sql(f"update pgflow.step_tasks set started_at = {PAST} + interval '1 minute'")
        assert recover(core) == 1

    def test_a_task_that_never_reports_ends_nevertheless(self, core: Core, theirs: UUID) -> None:
        outcomes = []
        for _ in range(4):
            core.run_sql(f"update pgflow.step_tasks set queued_at = {PAST}, started_at = {PAST}")
            outcomes.append(recover(core))
            core.poll("f")
        assert outcomes == [1, 1, 1, 0]
        (run,) = core.rows("select status, error_message from pgflow.runs")
        assert run == ("failed", "stalled")

    def test_registering_is_the_promise(self, core: Core, theirs: UUID) -> None:
        core.call("register_worker", worker_id=theirs, queue_name="f", function_name="fn")
        heartbeat_ago(core, theirs, 300)
        assert recover(core) == 1


class TestSignsOfLife:
    def test_a_claim_is_one(self, core: Core, task: Row, worker: UUID) -> None:
        heartbeat_ago(core, worker, 29)
        assert claim(core, (worker, "f")) == []
        assert last_sign(core, worker) < 5
        assert recover(core) == 0

    def test_a_result_is_one(self, core: Core, task: Row, worker: UUID) -> None:
        heartbeat_ago(core, worker, 29)
        assert [row.step_slug for row in complete(core, [task], hand_over=1)] == ["b"]
        assert last_sign(core, worker) < 5

    def test_a_failure_is_one(self, core: Core, task: Row, worker: UUID) -> None:
        heartbeat_ago(core, worker, 29)
        assert [row.outcome for row in fail(core, [task])] == ["retried"]
        assert last_sign(core, worker) < 5

    def test_it_is_written_once_in_five_seconds(self, core: Core, task: Row, worker: UUID) -> None:
        heartbeat_ago(core, worker, 4)
        written = core.value("select ctid::text from pgflow.workers")
        claim(core, (worker, "f"))
        complete(core, [task])
        claim(core, (worker, "f"))
        assert core.value("select ctid::text from pgflow.workers") == written

    def test_a_task_just_started_is_one(self, core: Core, task: Row, worker: UUID) -> None:
        core.run_sql(
            "update pgflow.workers set started_at = now() - interval '1 day', "
            "last_heartbeat_at = now() - interval '1 hour'"
        )
        assert recover(core) == 0
        assert core.value("select died_at from pgflow.workers") is None


class TestTakenForDead:
    @pytest.fixture(autouse=True)
    def _dead(self, core: Core, task: Row, worker: UUID) -> None:
        heartbeat_ago(core, worker, 31)
        assert recover(core) == 1

    def test_it_is_told_at_its_next_claim(self, core: Core, worker: UUID) -> None:
        with core.refused("not registered", sqlstate="PF009"):
            claim(core, (worker, "f"))

    def test_also_where_it_reads_by_itself(self, core: Core, worker: UUID) -> None:
        with core.refused("not registered", sqlstate="PF009"):
            core.start_tasks("f", core.read("f"), worker)

    def test_and_when_it_announces_itself_or_beats(self, core: Core, worker: UUID) -> None:
        with core.refused("not registered", sqlstate="PF009"):
            core.call("announce_idle", worker_ids=[worker], seconds=5)
        assert core.call("heartbeat_workers", worker_ids=[worker]) == []
        assert last_sign(core, worker) > 30

    def test_registered_again_it_gets_tasks_and_keeps_them(self, core: Core, worker: UUID) -> None:
        core.call("register_worker", worker_id=worker, queue_name="f", function_name="fn")
        again = claim_one(core, worker, "f")
        assert (again.step_slug, again.attempt) == ("a", 2)
        assert recover(core) == 0
        assert [row.step_slug for row in complete(core, [again], hand_over=1)] == ["b"]

    def test_what_it_still_reports_brings_it_nothing_new(self, core: Core, task: Row, worker: UUID) -> None:
        """It had a second task, which recovery could not take as somebody held its run."""
        other = core.start_flow("f")
        mine = claim_one(core, register(core, "f"), "f")
        second = claim_one(core, register(core, "f"), "f")
        late = second if second.run_id == other.run_id else mine
        core.run_sql(
            "update pgflow.step_tasks set last_worker_id = %s where run_id = %s", worker, other.run_id
        )
        assert complete(core, [late._replace(worker_id=worker)], hand_over=5) == []
        assert core.statuses(other.run_id) == {"a": "completed", "b": "started"}
        assert core.task(other.run_id, "b").status == "queued"


class TestStalled:
    """A task with which three different workers died ends; one worker may come and go."""

    def lose(self, core: Core, worker: UUID) -> int:
        core.call("register_worker", worker_id=worker, queue_name="f", function_name="fn")
        assert len(claim(core, (worker, "f"))) == 1
        heartbeat_ago(core, worker, 31)
        return recover(core)

    @pytest.fixture(autouse=True)
    def run(self, core: Core) -> Row:
        core.flow("f", "a", timeout=1000, max_attempts=2)
        return core.start_flow("f")

    def test_three_different_workers(self, core: Core, run: Row) -> None:
        workers = [uuid4() for _ in range(3)]
        assert [self.lose(core, worker) for worker in workers[:2]] == [1, 1]
        assert self.lose(core, workers[1]) == 1, "it died with this task before"
        assert self.lose(core, workers[2]) == 0
        task = core.task(run.run_id, "a")
        assert (task.status, task.killed_workers, task.requeued_count) == ("failed", workers, 3)
        assert core.run(run.run_id).status == "failed"

    def test_one_worker_again_and_again(self, core: Core, run: Row) -> None:
        flapping = uuid4()
        assert [self.lose(core, flapping) for _ in range(5)] == [1] * 5
        task = core.task(run.run_id, "a")
        assert (task.status, task.killed_workers, task.requeued_count) == ("queued", [flapping], 5)
        worker = register(core, "f")
        assert fail(core, [claim_one(core, worker, "f")], retry_after=[0])[0].outcome == "retried"

    def test_the_contracts_function_counts_every_loss(self, core: Core, run: Row) -> None:
        flapping = uuid4()
        for _ in range(3):
            self.lose(core, flapping)
        core.poll("f")
        core.run_sql(f"update pgflow.step_tasks set queued_at = {PAST}, started_at = {PAST}")
        assert core.value("select pgflow.requeue_stalled_tasks()") == 0
        assert core.task(run.run_id, "a").permanently_stalled_at is not None


class TestLockedRows:
    """Somebody holds the worker's row, for as long as they like."""

    @pytest.fixture
    def held(self, live: Core, live_dsn: str) -> UUID:
        live.flow("f", "a", "b < a", timeout=1000)
        live.start_flow("f")
        return register(live, "f")

    def hold(self, core: Core) -> None:
        core.rows("select 1 from pgflow.workers for update")

    def test_work_goes_on_and_nothing_is_taken_away(self, live: Core, live_dsn: str, held: UUID) -> None:
        first = claim_one(live, held, "f")
        heartbeat_ago(live, held, 600)
        with Session(live_dsn) as holder:
            holder.do(self.hold)
            assert live.call("heartbeat_workers", worker_ids=[held]) == [(held, None, [], [])]
            assert recover(live) == 0, "it cannot be judged, so it is not"
            (second,) = complete(live, [first], hand_over=1)
            assert claim(live, (held, "f")) == []
            assert recover(live) == 0
            holder.rollback()
        assert recover(live) == 0, "the task it has just started is a sign of life"
        assert complete(live, [second]) == []
        assert live.value("select attempts_count from pgflow.step_tasks order by step_slug limit 1") == 1
        assert live.value("select status from pgflow.runs") == "completed"

    def test_only_one_recovers_at_a_time(self, live: Core, live_dsn: str, held: UUID) -> None:
        claim_one(live, held, "f")
        heartbeat_ago(live, held, 31)
        with Session(live_dsn) as first:
            assert first.do(recover) == 1
            assert recover(live) == 0
            first.rollback()
        assert recover(live) == 1
