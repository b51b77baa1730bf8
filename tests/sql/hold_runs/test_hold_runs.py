"""A held run begins nothing; what is under way counts, and all that became ready waits for the release."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, claim_one, complete, fail, register, release
from tests.support.control import cancel, hold, let_go
from tests.support.core import Core, Row
from tests.support.invariants import assert_sound, install
from tests.support.notifications import listening
from tests.support.timers import fire, pass_time, timers


@pytest.fixture
def worker(core: Core) -> UUID:
    install(core)
    core.flow("f", "a", "b < a", "m:map < a", base_delay=0)
    return register(core, "f")


def waits(core: Core, run_id: UUID) -> dict[str, str | None]:
    """What the open tasks of a run wait for."""
    return {
        f"{task.step_slug}{task.task_index}": task.waits_for
        for task in core.tasks(run_id)
        if task.status in ("queued", "started")
    }


def open_task(core: Core, worker: UUID, flow: str = "f") -> Row:
    core.start_flow(flow)
    return claim_one(core, worker, flow)


def test_outcomes(core: Core, worker: UUID) -> None:
    fresh, held, completed, failed, cancelled = (core.start_flow("f").run_id for _ in range(5))
    hold(core, held)
    cancel(core, cancelled)
    core.run_sql("update pgflow.runs set status = 'failed', failed_at = now() where run_id = %s", failed)
    core.run_sql(
        "update pgflow.runs set status = 'completed', completed_at = now() where run_id = %s", completed
    )
    nobody = uuid4()
    everyone = (fresh, held, completed, failed, cancelled, nobody)
    assert hold(core, *everyone) == [
        "held", "already_held", "already_completed", "already_failed", "already_cancelled", "no_such_run",
    ]  # fmt: skip
    assert let_go(core, *everyone) == [
        "released", "released", "not_held", "not_held", "not_held", "no_such_run",
    ]  # fmt: skip
    assert let_go(core, fresh) == ["not_held"]


def test_both_are_on_the_trail(core: Core, worker: UUID) -> None:
    run_id = core.start_flow("f").run_id
    hold(core, run_id, actor="ann")
    let_go(core, run_id, spread=5, actor="bob")
    found = core.rows(
        "select action, actor, flow_slug, run_ids, arguments, outcome from pgflow.actions order by action_id"
    )
    assert found == [
        ("hold", "ann", "f", [run_id], {}, {"held": 1}),
        ("release", "bob", "f", [run_id], {"spread": 5}, {"released": 1}),
    ]


def test_too_many_at_once(core: Core) -> None:
    many = [uuid4() for _ in range(1001)]
    for function in (hold, let_go):
        with core.refused("too many", sqlstate="PF011"):
            function(core, *many)


@pytest.mark.parametrize("spread", [-1, float("nan"), float("inf"), 1e9])
def test_an_odd_spread(core: Core, spread: float) -> None:
    with core.refused("spread must be", sqlstate="PF011"):
        let_go(core, uuid4(), spread=spread)


def test_what_waits_for_a_worker_is_taken_back(core: Core, worker: UUID) -> None:
    run, other = core.start_flow("f").run_id, core.start_flow("f").run_id
    hold(core, run)
    assert waits(core, run) == {"a0": "hold"}
    assert [task.run_id for task in claim(core, (worker, "f"))] == [other]
    assert len(core.archive("f")) == 1
    assert_sound(core)
    let_go(core, run)
    assert claim_one(core, worker, "f").run_id == run
    assert_sound(core)


def test_readers_say_so(core: Core, worker: UUID) -> None:
    run = core.start_flow("f").run_id
    progress = "select progress -> 'run' ->> 'held_at' from pgflow.get_run_progress(array[%s]::uuid[])"
    assert core.value(progress, run) is None
    lists = (
        "select held_at from pgflow.run_overview where run_id = %s",
        "select held_at from pgflow.find_runs() where run_id = %s",
    )
    assert [core.value(query, run) for query in lists] == [None, None]
    hold(core, run)
    assert core.value(progress, run) is not None
    assert [core.value(query, run) for query in lists] == [core.run(run).held_at] * 2
    (task,) = core.rows("select * from pgflow.list_tasks(%s)", run)
    assert (task.waits_for, task.due_at) == ("hold", None)
    cancel(core, run)
    assert [core.value(query, run) for query in (progress, *lists)] == [None] * 3


class TestMeanwhile:
    def test_what_becomes_ready_waits(self, core: Core, worker: UUID) -> None:
        task = open_task(core, worker)
        hold(core, task.run_id)
        assert complete(core, [task], [[1, 2]], hand_over=10) == []
        assert waits(core, task.run_id) == {"b0": "hold", "m0": "hold", "m1": "hold"}
        assert core.queue("f") == []
        assert_sound(core)
        let_go(core, task.run_id)
        assert [message.message["step_slug"] for message in core.queue("f")] == ["b", "m", "m"]
        complete(core, claim(core, (worker, "f")))
        assert core.run(task.run_id).status == "completed"

    def test_also_through_the_functions_of_one_task(self, core: Core, worker: UUID) -> None:
        run = core.start_flow("f").run_id
        core.poll("f")
        hold(core, run)
        core.complete_task(run, "a", 0, [1])
        assert waits(core, run) == {"b0": "hold", "m0": "hold"}

    def test_other_runs_of_a_batch_go_on(self, core: Core, worker: UUID) -> None:
        tasks = [open_task(core, worker) for _ in range(2)]
        hold(core, tasks[0].run_id)
        complete(core, tasks, [[], []])
        assert waits(core, tasks[0].run_id) == {"b0": "hold"}
        assert waits(core, tasks[1].run_id) == {"b0": None}
        assert_sound(core)

    def test_a_retry_waits(self, core: Core, worker: UUID) -> None:
        task = open_task(core, worker)
        hold(core, task.run_id)
        fail(core, [task])
        assert waits(core, task.run_id) == {"a0": "hold"}
        let_go(core, task.run_id)
        assert claim_one(core, worker, "f").attempt == 2

    def test_what_is_given_back_waits(self, core: Core, worker: UUID) -> None:
        task = open_task(core, worker)
        hold(core, task.run_id)
        release(core, [task])
        assert waits(core, task.run_id) == {"a0": "hold"}
        assert_sound(core)

    def test_what_a_dead_worker_had_waits(self, core: Core, worker: UUID) -> None:
        task = open_task(core, worker)
        hold(core, task.run_id)
        core.run_sql("select pgflow.mark_worker_stopped(%s)", worker)
        assert core.value("select pgflow.recover_stalled_tasks()") == 1
        assert waits(core, task.run_id) == {"a0": "hold"}

    def test_what_a_skipped_step_lets_go_on_waits(self, core: Core, worker: UUID) -> None:
        core.create_flow("g", max_attempts=1)
        core.add_step("g", "a", when_exhausted="skip")
        core.add_step("g", "b", ["a"])
        task = open_task(core, register(core, "g"), "g")
        hold(core, task.run_id)
        fail(core, [task])
        assert waits(core, task.run_id) == {"b0": "hold"}

    def test_steps_started_by_hand_wait(self, core: Core, worker: UUID) -> None:
        run = core.start_flow("f").run_id
        hold(core, run)
        core.run_sql(
            "update pgflow.step_states set remaining_deps = 0 where run_id = %s and step_slug = 'b'", run
        )
        core.run_sql("select pgflow.start_ready_steps(%s)", run)
        assert waits(core, run) == {"a0": "hold", "b0": "hold"}

    def test_it_may_complete_fail_or_be_cancelled(self, core: Core, worker: UUID) -> None:
        tasks = [open_task(core, worker) for _ in range(3)]
        core.flow("g", "a")
        last = open_task(core, register(core, "g"), "g")
        hold(core, *(task.run_id for task in tasks), last.run_id)
        complete(core, [last])
        fail(core, tasks[:1], retryable=[False])
        cancel(core, tasks[1].run_id)
        found = [core.run(task.run_id).status for task in (last, *tasks)]
        assert found == ["completed", "failed", "cancelled", "started"]
        assert let_go(core, last.run_id, tasks[0].run_id, tasks[1].run_id) == ["not_held"] * 3
        assert_sound(core)


class TestTime:
    def test_a_wait_goes_on_and_ends_in_the_hold(self, core: Core, worker: UUID) -> None:
        task = open_task(core, worker)
        fail(core, [task], retry_after=[60])
        hold(core, task.run_id)
        assert waits(core, task.run_id) == {"a0": "time"}
        pass_time(core)
        fire(core)
        assert waits(core, task.run_id) == {"a0": "hold"}
        assert_sound(core)
        let_go(core, task.run_id)
        assert claim_one(core, worker, "f").attempt == 2

    def test_one_that_is_over_before_the_end_of_the_hold_is_none(self, core: Core, worker: UUID) -> None:
        task = open_task(core, worker)
        fail(core, [task], retry_after=[60])
        hold(core, task.run_id)
        let_go(core, task.run_id)
        assert waits(core, task.run_id) == {"a0": "time"}
        pass_time(core)
        fire(core)
        assert claim_one(core, worker, "f").attempt == 2

    def test_start_delays_go_on(self, core: Core) -> None:
        core.create_flow("g")
        core.add_step("g", "a", start_delay=1000)
        run = core.start_flow("g").run_id
        hold(core, run)
        (timer,) = timers(core)
        assert 990 < timer.seconds <= 1000
        assert waits(core, run) == {"a0": "time"}
        let_go(core, run)
        assert core.queue("g") == []
        pass_time(core)
        fire(core)
        assert claim_one(core, register(core, "g"), "g").run_id == run

    def test_the_time_out_of_the_run_goes_on(self, core: Core) -> None:
        core.create_flow("g", options=Jsonb({"run_timeout": 60}))
        core.add_step("g", "a")
        run = core.start_flow("g").run_id
        hold(core, run)
        pass_time(core)
        fire(core)
        assert core.run(run).status == "failed"

    def test_a_release_can_be_spread(self, core: Core) -> None:
        core.flow("g", "a", "b")
        runs = [core.start_flow("g").run_id for _ in range(20)]
        hold(core, *runs)
        let_go(core, *runs, spread=1000)
        delays: dict[str, set[int]] = {}
        for message in core.queue("g"):
            delays.setdefault(message.message["run_id"], set()).add(message.wait)
        assert all(len(of_run) == 1 for of_run in delays.values())
        assert len(set.union(*delays.values())) > 10
        assert all(0 <= delay <= 1000 for of_run in delays.values() for delay in of_run)


class TestWithOthers:
    def test_workers_are_told(self, live: Core, live_dsn: str) -> None:
        live.flow("f", "a")
        idle, busy = live.start_flow("f").run_id, live.start_flow("f").run_id
        with listening(live_dsn, "pgflow_control") as listener:
            hold(live, idle)
            claim(live, (register(live, "f"), "f"))
            hold(live, busy)
            assert listener.received() == [("pgflow_control", "f")]

    def test_a_release_wakes_idle_workers(self, live: Core, live_dsn: str) -> None:
        live.flow("f", "a")
        run = live.start_flow("f").run_id
        hold(live, run)
        live.value("select pgflow.announce_idle(%s, 60)", [register(live, "f")])
        with listening(live_dsn, "pgflow_work_f") as listener:
            let_go(live, run)
            assert listener.received() == [("pgflow_work_f", "")]
