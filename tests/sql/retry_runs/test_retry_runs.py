"""`retry_runs` lets failed and cancelled runs go on in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import changed, claim, claim_one, complete, fail, register, release
from tests.support.control import cancel, retry, snapshot
from tests.support.core import Core, Row
from tests.support.invariants import assert_sound, install
from tests.support.timers import fire, pass_time, timers


@pytest.fixture(autouse=True)
def _invariants(core: Core) -> None:
    install(core)


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


def work_off(core: Core, worker: UUID, output: Any = "done") -> list[Row]:
    """Claim and complete until nothing is left; all tasks there were."""
    seen: list[Row] = []
    while tasks := claim(core, (worker, "f")):
        assert complete(core, tasks, [output] * len(tasks)) == []
        seen += tasks
    return seen


class TestFailed:
    def test_what_failed_is_done_again(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "b < a", "c < b", max_attempts=1)
        run_id = core.start_flow("f", {"x": 1}).run_id
        complete(core, [claim_one(core, worker, "f")], ["kept"])
        fail(core, [claim_one(core, worker, "f")], ["no luck"])
        assert retry(core, run_id) == ["retried"]
        run = core.run(run_id)
        assert (run.status, run.failed_at, run.error_message, run.remaining_steps) == (
            "started", None, None, 2,
        )  # fmt: skip
        step, task = core.step(run_id, "b"), core.task(run_id, "b")
        assert (step.status, step.remaining_tasks, step.failed_at, step.error_message) == (
            "started", 1, None, None,
        )  # fmt: skip
        assert (task.status, task.failed_at, task.error_message, task.started_at) == (
            "queued", None, None, None,
        )  # fmt: skip
        assert (task.attempts_count, task.forgiven_count, task.last_worker_id) == (1, 1, None)
        assert_sound(core)
        again = claim_one(core, worker, "f")
        assert (again.step_slug, again.attempt, again.input) == ("b", 2, {"a": "kept"})
        complete(core, [again], ["now"])
        assert len(work_off(core, worker)) == 1
        assert core.run(run_id).output == {"c": "done"}
        assert_sound(core)

    def test_completed_elements_of_a_map_keep_their_outputs(self, core: Core, worker: UUID) -> None:
        core.flow("f", "m:map", max_attempts=1)
        run_id = core.start_flow("f", ["a", "b", "c", "d"]).run_id
        one, two, three = claim(core, (worker, "f"), max_tasks=3)
        complete(core, [one], [1])
        fail(core, [two])
        assert retry(core, run_id) == ["retried"]
        assert core.step(run_id, "m").remaining_tasks == 3
        again = work_off(core, worker)
        assert [(task.task_index, task.input, task.attempt) for task in again] == [
            (1, "b", 2), (2, "c", 2), (3, "d", 1),
        ]  # fmt: skip
        assert three.task_index == 2
        assert core.run(run_id).output == {"m": [1, "done", "done", "done"]}
        assert_sound(core)

    def test_other_open_steps_go_on(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "b", "c < a b", max_attempts=1)
        run_id = core.start_flow("f").run_id
        a, b = claim(core, (worker, "f"))
        fail(core, [a])
        retry(core, run_id)
        assert core.statuses(run_id) == {"a": "started", "b": "started", "c": "created"}
        assert [row.outcome for row in complete(core, [b])] == ["stale"]
        assert {task.step_slug for task in work_off(core, worker)} == {"a", "b", "c"}
        assert core.run(run_id).status == "completed"

    def test_a_condition_is_judged_again(self, core: Core, worker: UUID) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [])
        core.add_step("f", "b", ["a"], required_input_pattern={"a": 1}, when_unmet="fail")
        core.add_step("f", "c", ["b"])
        run_id = core.start_flow("f").run_id
        complete(core, [claim_one(core, worker, "f")], [2])
        assert core.run(run_id).status == "failed"
        assert retry(core, run_id) == ["retried"]
        assert core.run(run_id).error_message == "Condition not met"
        core.run_sql("""select pgflow.alter_step('f', 'b', required_input_pattern => '{"a": 2}')""")
        assert retry(core, run_id) == ["retried"]
        assert core.statuses(run_id) == {"a": "completed", "b": "started", "c": "created"}
        assert core.step(run_id, "b").started_at == core.now()
        work_off(core, worker)
        assert core.run(run_id).status == "completed"
        assert_sound(core)

    def test_a_step_that_a_failure_kept_from_starting(self, core: Core, worker: UUID) -> None:
        """Of two conditions one fails the run, the other's step had been found ready."""
        core.create_flow("f")
        core.add_step("f", "a", [])
        core.add_step("f", "b", ["a"])
        core.add_step("f", "c", ["a"], required_input_pattern={"a": 1}, when_unmet="fail")
        run_id = core.start_flow("f").run_id
        complete(core, [claim_one(core, worker, "f")], [2])
        assert core.statuses(run_id) == {"a": "completed", "b": "created", "c": "failed"}
        core.run_sql("""select pgflow.alter_step('f', 'c', required_input_pattern => '{"a": 2}')""")
        retry(core, run_id)
        assert core.statuses(run_id) == {"a": "completed", "b": "started", "c": "started"}
        assert_sound(core)

    def test_a_step_that_gave_no_array(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "m:map < a")
        run_id = core.start_flow("f").run_id
        complete(core, [claim_one(core, worker, "f")], ["no array"])
        assert core.task(run_id, "a").output == "no array"
        retry(core, run_id)
        assert core.task(run_id, "a").output is None
        complete(core, [claim_one(core, worker, "f")], [[1, 2]])
        work_off(core, worker)
        assert core.run(run_id).output == {"m": ["done", "done"]}

    def test_skipped_steps_stay_skipped(self, core: Core, worker: UUID) -> None:
        core.create_flow("f", max_attempts=1)
        core.add_step("f", "m", [], step_type="map", when_exhausted="skip")
        core.add_step("f", "b", ["m"])
        run_id = core.start_flow("f", [1, 2]).run_id
        first, _ = claim(core, (worker, "f"))
        fail(core, [first], ["tolerated"])
        fail(core, [claim_one(core, worker, "f")], ["not tolerated"])
        retry(core, run_id)
        step = core.step(run_id, "m")
        assert (step.status, step.error_message) == ("skipped", "tolerated")
        assert [task.status for task in core.tasks(run_id, "m")] == ["failed", "started"]
        work_off(core, worker)
        assert core.run(run_id).output == {"b": "done"}

    def test_what_stalled_for_good(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a")
        run_id = core.start_flow("f").run_id
        claim_one(core, worker, "f")
        core.run_sql(
            """update pgflow.step_tasks set requeued_count = 3, attempts_count = 4,
                 permanently_stalled_at = now(), killed_workers = array[%s, %s, %s]""",
            uuid4(), uuid4(), uuid4(),
        )  # fmt: skip
        core.run_sql("select pgflow.recover_stalled_tasks()")
        assert core.run(run_id).status == "failed"
        retry(core, run_id)
        task = core.task(run_id, "a")
        found = (task.permanently_stalled_at, task.killed_workers, task.requeued_count, task.forgiven_count)
        assert found == (None, None, 0, 4)
        assert claim_one(core, worker, "f").attempt == 5

    def test_a_run_whose_outputs_did_not_fit(self, core: Core, worker: UUID) -> None:
        """It failed by itself, with no step left: it comes to the same end, or to a better one."""
        core.flow("f", "a")
        run_id = core.start_flow("f").run_id
        work_off(core, worker)
        core.run_sql(
            """update pgflow.runs
               set status = 'failed', failed_at = now(), completed_at = null, output = null,
                 error_message = 'OutputTooLarge'"""
        )
        assert retry(core, run_id) == ["retried"]
        run = core.run(run_id)
        assert (run.status, run.output) == ("completed", {"a": "done"})


class TestCancelled:
    def test_started_and_waiting_steps(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "m:map < a", "b < m")
        run_id = core.start_flow("f").run_id
        complete(core, [claim_one(core, worker, "f")], [[1, 2]])
        claim_one(core, worker, "f")
        cancel(core, run_id, reason="not yet")
        assert retry(core, run_id) == ["retried"]
        run = core.run(run_id)
        assert (run.status, run.cancelled_at, run.cancel_reason) == ("started", None, None)
        assert core.statuses(run_id) == {"a": "completed", "m": "started", "b": "created"}
        assert {task.cancelled_at for task in core.tasks(run_id)} == {None}
        assert [task.forgiven_count for task in core.tasks(run_id, "m")] == [1, 0]
        assert_sound(core)
        assert [task.attempt for task in work_off(core, worker)] == [2, 1, 1]
        assert core.run(run_id).output == {"b": "done"}

    def test_again_and_again(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", max_attempts=2, base_delay=0)
        run_id = core.start_flow("f").run_id
        for number in range(3):
            task = claim_one(core, worker, "f")
            assert task.attempt == number + 1
            cancel(core, run_id)
            assert retry(core, run_id) == ["retried"]
        fail(core, [claim_one(core, worker, "f")])
        last = claim_one(core, worker, "f")
        assert (last.attempt, core.run(run_id).status) == (5, "started")
        fail(core, [last])
        assert core.run(run_id).status == "failed"
        assert_sound(core)


class TestAttempts:
    def test_the_limit_counts_afresh(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", max_attempts=2, base_delay=0)
        run_id = core.start_flow("f").run_id
        for outcomes in (["retried", "failed"], ["retried", "failed"]):
            for outcome in outcomes:
                assert [row.outcome for row in fail(core, [claim_one(core, worker, "f")])] == [outcome]
            retry(core, run_id)
        assert core.task(run_id, "a").attempts_count == 4

    def test_the_delay_counts_afresh_and_the_last_attempt_is_told(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", max_attempts=2, base_delay=3)
        run_id = core.start_flow("f").run_id
        delays = []
        for _ in range(2):
            (row,) = fail(core, [claim_one(core, worker, "f")])
            delays.append(row.delay)
            cancel(core, run_id)
            retry(core, run_id)
        (row,) = fail(core, [claim_one(core, worker, "f")])
        assert [*delays, row.delay] == [6, 6, 6]
        assert (row.attempt, row.max_attempts) == (3, 4)

    def test_lost_workers_count_afresh(self, core: Core) -> None:
        core.flow("f", "a", max_attempts=1)
        run_id = core.start_flow("f").run_id
        for number in range(3):
            claim_one(core, mortal := register(core, "f"), "f")
            core.run_sql("select pgflow.mark_worker_stopped(%s)", mortal)
            core.run_sql("select pgflow.recover_stalled_tasks()")
            if number == 1:
                cancel(core, run_id)
                retry(core, run_id)
        task = core.task(run_id, "a")
        assert (task.status, task.requeued_count, len(task.killed_workers)) == ("queued", 1, 1)

    def test_errors_of_earlier_attempts_are_kept(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", max_attempts=1)
        run_id = core.start_flow("f").run_id
        fail(core, [claim_one(core, worker, "f")], ["first"])
        retry(core, run_id)
        fail(core, [claim_one(core, worker, "f")], ["second"])
        errors = core.task(run_id, "a").attempt_errors
        assert [(entry["attempt"], entry["error"]) for entry in errors] == [(1, "first"), (2, "second")]

    def test_a_poll_of_before_is_no_poll_now(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a")
        run_id = core.start_flow("f").run_id
        fail(core, [claim_one(core, worker, "f")], retry_after=[3600])
        assert core.call("list_tasks", run_id=run_id)[0].again_at is not None
        cancel(core, run_id)
        retry(core, run_id)
        assert core.call("list_tasks", run_id=run_id)[0].again_at is None
        assert core.call("count_tasks", run_id=run_id)[0].polling == 0
        assert len(claim(core, (worker, "f"))) == 1


LATE: dict[str, Callable[[Core, Row], Any]] = {
    "complete": lambda core, task: complete(core, [task], [[9]]),
    "fail": lambda core, task: fail(core, [task]),
    "fail for good": lambda core, task: fail(core, [task], retryable=[False]),
    "ask to run again": lambda core, task: fail(core, [task], retry_after=[5]),
    "release": lambda core, task: release(core, [task]),
}  # by the worker of the attempt before


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("end", ["failed", "cancelled"])
@pytest.mark.parametrize("now", ["queued", "claimed by another", "claimed by the same", "completed"])
def test_a_late_result_of_before_changes_nothing(
    core: Core, worker: UUID, late: str, end: str, now: str
) -> None:
    core.flow("f", "a", "b", "m:map < a", max_attempts=1)
    run_id = core.start_flow("f").run_id
    task, other = sorted(claim(core, (worker, "f")), key=lambda each: str(each.step_slug))
    if end == "failed":
        fail(core, [other])
    else:
        cancel(core, run_id)
    assert retry(core, run_id) == ["retried"]
    if now != "queued":
        owner = worker if now == "claimed by the same" else register(core, "f")
        again = [row for row in claim(core, (owner, "f")) if row.step_slug == "a"]
        assert [row.attempt for row in again] == [2]
        if now == "completed":
            complete(core, again, [[1]])
    before, queue, archive = snapshot(core), core.queue("f"), core.archive("f")
    events = len(core.events())
    answer = LATE[late](core, task)
    assert answer == 0 if late == "release" else [row.outcome for row in answer] == ["stale"]
    assert snapshot(core) == before
    queue_now = core.queue("f")
    assert [row.msg_id for row in queue_now] == [row.msg_id for row in queue]
    assert [row.vt for row in queue_now] == [row.vt for row in queue]
    assert (core.archive("f"), len(core.events())) == (archive, events)


def test_a_fence_of_now_still_holds(core: Core, worker: UUID) -> None:
    core.flow("f", "a", max_attempts=1)
    run_id = core.start_flow("f").run_id
    fail(core, [claim_one(core, worker, "f")])
    retry(core, run_id)
    task = claim_one(core, worker, "f")
    assert [row.outcome for row in complete(core, [changed(task, attempt=1)])] == ["stale"]
    assert complete(core, [task]) == []
    assert core.run(run_id).status == "completed"


class TestRefused:
    def test_runs_that_have_not_ended_or_have_completed(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a")
        completed = core.start_flow("f", 1).run_id
        work_off(core, worker)
        started = core.start_flow("f", 2).run_id
        before, events = snapshot(core), len(core.events())
        nobody = uuid4()
        assert retry(core, completed, started, nobody) == [
            "already_completed", "still_started", "no_such_run",
        ]  # fmt: skip
        assert (snapshot(core), len(core.events())) == (before, events)

    def test_more_than_a_thousand_runs(self, core: Core) -> None:
        with core.refused("1001 runs are too many for one call", sqlstate="PF011"):
            retry(core, *(uuid4() for _ in range(1001)))

    def test_more_than_fifty_thousand_tasks(self, core: Core) -> None:
        core.flow("f", "m:map")
        runs = [core.start_flow("f", [None] * count).run_id for count in (25_000, 25_001)]
        cancel(core, *runs)
        with core.refused("50001 tasks are too many to retry in one call", sqlstate="PF011"):
            retry(core, *runs)
        assert {core.run(run_id).status for run_id in runs} == {"cancelled"}
        assert retry(core, runs[0]) == ["retried"]

    @pytest.mark.parametrize("spread", [-1.0, float("nan"), float("inf"), 31_536_001.0])
    def test_a_spread_that_is_no_time(self, core: Core, spread: float) -> None:
        with core.refused("spread must be a number of seconds", sqlstate="PF011"):
            retry(core, spread=spread)

    def test_unknown_options(self, core: Core) -> None:
        with core.refused('A retry has no option "soon"', sqlstate="PF011"):
            core.rows("""select * from pgflow.retry_runs('{}', options => '{"soon": true}')""")


class TestSpread:
    def test_each_run_after_a_time_of_its_own(self, core: Core, worker: UUID) -> None:
        """What waits for long has no message, but a timer."""
        core.flow("f", "m:map", "n")
        runs = [core.start_flow("f", [1, 2]).run_id for _ in range(20)]
        cancel(core, *runs)
        assert set(retry(core, *runs, spread=31_536_000.0)) == {"retried"}
        assert core.queue("f") == []
        assert {task.waits_for for run_id in runs for task in core.tasks(run_id)} == {"time"}
        waits: dict[UUID, set[int]] = {run_id: set() for run_id in runs}
        for timer in timers(core):
            waits[timer.run_id].add(round(timer.seconds / 10))
        assert all(max(seen) - min(seen) <= 1 for seen in waits.values())
        assert len(set().union(*waits.values())) > 10
        assert_sound(core)
        pass_time(core)
        fire(core)
        assert len(work_off(core, worker)) == 60
        assert {core.run(run_id).status for run_id in runs} == {"completed"}

    def test_a_short_time(self, core: Core) -> None:
        core.flow("f", "m:map")
        runs = [core.start_flow("f", [1, 2]).run_id for _ in range(20)]
        cancel(core, *runs)
        retry(core, *runs, spread=10.0)
        assert timers(core) == []
        waits = [message.wait for message in core.queue("f")]
        assert len(waits) == 40
        assert all(0 <= seconds <= 10 for seconds in waits)
        assert len(set(waits)) > 3

    def test_a_time_out_of_the_run_begins_when_it_goes_on(self, core: Core) -> None:
        core.call("create_flow", flow_slug="f", options=Jsonb({"run_timeout": 60}))
        core.add_step("f", "a", [])
        runs = [core.start_flow("f").run_id for _ in range(20)]
        cancel(core, *runs)
        assert timers(core) == []
        retry(core, *runs, spread=31_536_000.0)
        due: dict[UUID, dict[str, float]] = {run_id: {} for run_id in runs}
        for timer in timers(core):
            due[timer.run_id][timer.kind] = timer.seconds
        assert [round(of["run_timeout"] - of["wait"], -1) for of in due.values()] == [60] * 20

    def test_what_becomes_ready_waits_as_well(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"go": True}, when_unmet="fail", start_delay=7200)
        runs = [core.start_flow("f", {"go": False}).run_id for _ in range(20)]
        core.run_sql("select pgflow.alter_step('f', 'a', start_delay => 7200)")
        retry(core, *runs, spread=3600.0)
        waits = [round(message.until_visible.total_seconds()) for message in core.queue("f")]
        assert all(7100 <= seconds <= 10_800 for seconds in waits)
        assert len(set(waits)) > 10

    def test_a_time_out_of_before_is_none_of_now(self, core: Core, worker: UUID) -> None:
        """A run that failed by itself, when it was put together, has left its timer."""
        core.call("create_flow", flow_slug="f", options=Jsonb({"run_timeout": 60}))
        core.add_step("f", "a", [])
        core.add_step("f", "b", ["a"])
        run_id = core.start_flow("f").run_id
        core.run_sql("update pgflow.runs set status = 'failed', failed_at = now()")
        core.run_sql("update pgflow.timers set due_at = due_at - interval '50 seconds'")
        retry(core, run_id)
        assert [(timer.kind, round(timer.seconds, -1)) for timer in timers(core)] == [("run_timeout", 60)]

    def test_none_unless_asked_for(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a")
        run_id = core.start_flow("f").run_id
        cancel(core, run_id)
        retry(core, run_id, spread=None)
        assert len(claim(core, (worker, "f"))) == 1


def test_the_event_and_what_follows(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a", max_attempts=1)
    run_id = core.start_flow("f").run_id
    fail(core, [claim_one(core, worker, "f")])
    core.clear_events()
    retry(core, run_id)
    (row,) = core.events()
    assert (row.event, row.topic) == ("run:retried", f"pgflow:run:{run_id}")
    payload = row.payload
    assert core.value("select %s::timestamptz", payload.pop("retried_at")) == core.now()
    assert payload == {
        "event_type": "run:retried", "run_id": str(run_id), "flow_slug": "f", "status": "started",
        "remaining_steps": 2,
    }  # fmt: skip
    work_off(core, worker)
    assert core.event_names(run_id)[1:] == [
        "step:a:completed", "step:b:started", "step:b:completed", "run:completed",
    ]  # fmt: skip


def test_the_trail(core: Core) -> None:
    core.flow("f", "a")
    run_id = core.start_flow("f").run_id
    cancel(core, run_id)
    retry(core, run_id, spread=5.0, actor="ann")
    retry(core, run_id)
    (second, first, _) = core.call("list_actions", only_run=run_id)
    assert (first.action, first.actor, first.arguments) == ("retry", "ann", {"spread": 5})
    assert (first.outcome, second.outcome, second.arguments) == ({"retried": 1}, {"still_started": 1}, {})


def test_runs_of_several_flows(core: Core) -> None:
    core.flow("f", "m:map")
    core.flow("g", "a", "b")
    runs = [
        core.start_flow("f", [1, 2]).run_id,
        core.start_flow("g").run_id,
        core.start_flow("f", [3]).run_id,
    ]
    cancel(core, *runs)
    assert retry(core, *runs) == ["retried"] * 3
    assert (len(core.queue("f")), len(core.queue("g"))) == (3, 2)
    assert_sound(core)
    for flow_slug in ("f", "g"):
        core.poll(flow_slug, 10)
    assert_sound(core)
