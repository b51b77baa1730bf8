"""`cancel_runs` ends runs for good, with what is open of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.batch import claim, claim_one, complete, fail, register, release
from tests.support.control import cancel, snapshot
from tests.support.core import Core, Row
from tests.support.invariants import assert_sound, install


@pytest.fixture(autouse=True)
def _invariants(core: Core) -> None:
    install(core)


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


def test_run_steps_and_tasks(core: Core) -> None:
    core.flow("f", "a", "m:map < a", "b < m")
    run_id = core.start_flow("f").run_id
    core.work("f", [1, 2, 3])
    core.work("f", "first")
    assert len(core.poll("f")) == 1
    assert cancel(core, run_id, reason="no longer wanted") == ["cancelled"]
    run = core.run(run_id)
    assert (run.status, run.cancelled_at, run.cancel_reason) == ("cancelled", core.now(), "no longer wanted")
    assert (run.completed_at, run.failed_at, run.error_message, run.output) == (None, None, None, None)
    assert run.remaining_steps == 2
    assert core.statuses(run_id) == {"a": "completed", "m": "cancelled", "b": "cancelled"}
    assert [task.status for task in core.tasks(run_id, "m")] == ["completed", "cancelled", "cancelled"]
    assert {task.cancelled_at for task in core.tasks(run_id, "m")} == {None, core.now()}
    assert core.step(run_id, "b").cancelled_at == core.now()
    assert core.queue("f") == []
    assert len(core.archive("f")) == 4
    assert_sound(core)


def test_what_ended_stays_as_it_is(core: Core) -> None:
    core.flow("f", "a", max_attempts=1)
    completed, failed, cancelled = (core.start_flow("f", number).run_id for number in range(3))
    core.work("f")
    (task,) = core.poll("f")
    core.fail_task(task.run_id, "a")
    cancel(core, cancelled, reason="first")
    before, events = snapshot(core), len(core.events())
    asked = [completed, failed, cancelled, uuid4()]
    assert cancel(core, *asked, reason="again") == [
        "already_completed", "already_failed", "already_cancelled", "no_such_run",
    ]  # fmt: skip
    assert snapshot(core) == before
    assert len(core.events()) == events


def test_each_run_is_answered_once(core: Core) -> None:
    core.flow("f", "a")
    runs = sorted(core.start_flow("f", number).run_id for number in range(3))
    rows = core.call("cancel_runs", run_ids=[runs[2], None, runs[0], runs[2]])
    assert [(row.run_id, row.outcome) for row in rows] == [(runs[0], "cancelled"), (runs[2], "cancelled")]
    assert core.run(runs[1]).status == "started"
    assert core.call("cancel_runs", run_ids=[]) == []


def test_runs_of_several_flows(core: Core) -> None:
    core.flow("f", "a")
    core.flow("g", "m:map")
    runs = [core.start_flow("f").run_id, core.start_flow("g", [1, 2]).run_id]
    assert cancel(core, *runs) == ["cancelled", "cancelled"]
    assert (core.queue("f"), core.queue("g")) == ([], [])


def test_at_most_a_thousand_runs_a_call(core: Core) -> None:
    with core.refused("1001 runs are too many for one call", sqlstate="PF011"):
        core.call("cancel_runs", run_ids=[uuid4() for _ in range(1001)])
    assert len(core.call("cancel_runs", run_ids=[uuid4() for _ in range(1000)])) == 1000


def test_open_tasks_of_a_skipped_step_stay(core: Core, worker: UUID) -> None:
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "m", [], step_type="map", when_exhausted="skip")
    core.add_step("f", "b", [])
    run_id = core.start_flow("f", [1, 2]).run_id
    tasks = {(task.step_slug, task.task_index): task for task in claim(core, (worker, "f"))}
    fail(core, [tasks["m", 0]])
    cancel(core, run_id)
    assert core.statuses(run_id) == {"m": "skipped", "b": "cancelled"}
    assert [task.status for task in core.tasks(run_id, "m")] == ["failed", "started"]
    assert_sound(core)


def test_a_run_with_nothing_started(core: Core) -> None:
    """A root whose number of tasks somebody has yet to set."""
    core.flow("f", "a", "b < a")
    run_id = core.start_flow("f").run_id
    core.run_sql(
        "update pgflow.step_states set status = 'created', started_at = null, remaining_tasks = null"
    )
    core.run_sql("delete from pgflow.step_tasks")
    assert cancel(core, run_id) == ["cancelled"]
    assert core.statuses(run_id) == {"a": "cancelled", "b": "cancelled"}


def test_the_event(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run_id = core.start_flow("f").run_id
    core.clear_events()
    cancel(core, run_id, reason="wrong customer")
    (row,) = core.events()
    assert (row.event, row.topic, row.private) == ("run:cancelled", f"pgflow:run:{run_id}", False)
    payload = row.payload
    assert core.value("select %s::timestamptz", payload.pop("cancelled_at")) == core.now()
    assert payload == {
        "event_type": "run:cancelled", "run_id": str(run_id), "flow_slug": "f", "status": "cancelled",
        "cancel_reason": "wrong customer",
    }  # fmt: skip


LATE: dict[str, Callable[[Core, Row], Any]] = {
    "complete": lambda core, task: complete(core, [task], [1]),
    "fail": lambda core, task: fail(core, [task]),
    "fail for good": lambda core, task: fail(core, [task], retryable=[False]),
    "ask to run again": lambda core, task: fail(core, [task], retry_after=[5]),
    "release": lambda core, task: release(core, [task]),
    "complete_task": lambda core, task: core.complete_task(task.run_id, "m", task.task_index, [1]),
    "fail_task": lambda core, task: core.fail_task(task.run_id, "m", task.task_index),
    "start_tasks": lambda core, task: core.start_tasks("f", [task.msg_id]),
    "claim": lambda core, task: claim(core, (register(core, "f"), "f")),
    "start_ready_steps": lambda core, task: core.call("start_ready_steps", run_id=task.run_id),
    "maybe_complete_run": lambda core, task: core.call("maybe_complete_run", run_id=task.run_id),
    "taskless": lambda core, task: core.call("cascade_complete_taskless_steps", run_id=task.run_id),
    "conditions": lambda core, task: core.call("cascade_resolve_conditions", run_id=task.run_id),
    "requeue": lambda core, task: core.call("requeue_stalled_tasks"),
    "recover": lambda core, task: core.call("recover_stalled_tasks"),
    "cancel": lambda core, task: cancel(core, task.run_id),
}  # what may still be called for a task of a run that was cancelled


@pytest.mark.parametrize("late", LATE)
def test_whatever_comes_later_changes_nothing(core: Core, worker: UUID, late: str) -> None:
    core.flow("f", "m:map", "b < m", max_attempts=3)
    run_id = core.start_flow("f", [1, 2, 3]).run_id
    first, second, _ = claim(core, (worker, "f"))
    complete(core, [first], ["done"])
    core.run_sql(
        """update pgflow.step_tasks set queued_at = queued_at - interval '1 hour',
             started_at = started_at - interval '1 hour' where task_index = 2"""
    )
    cancel(core, run_id)
    before, queue, archive = snapshot(core), core.queue("f"), core.archive("f")
    events = len(core.events())
    answer = LATE[late](core, second)
    if late in ("complete", "fail", "fail for good", "ask to run again"):
        assert [(row.outcome, row.input) for row in answer] == [("stale", "the run was cancelled")]
    assert snapshot(core) == before
    assert (core.queue("f"), core.archive("f"), len(core.events())) == (queue, archive, events)


def test_a_batch_with_runs_that_go_on(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a")
    gone, kept = core.start_flow("f", 1).run_id, core.start_flow("f", 2).run_id
    tasks = claim(core, (worker, "f"))
    cancel(core, gone)
    rows = complete(core, tasks, [1, 1], hand_over=5)
    assert sorted((row.outcome, row.run_id, row.step_slug) for row in rows) == [
        ("claimed", kept, "b"), ("stale", gone, "a"),
    ]  # fmt: skip


def test_starting_with_the_id_of_a_cancelled_run_finds_it(core: Core) -> None:
    core.flow("f", "a")
    run_id = core.start_flow("f", 1).run_id
    cancel(core, run_id)
    assert core.start_flow("f", 1, run_id).status == "cancelled"
    assert core.queue("f") == []


@pytest.mark.parametrize(
    "prune", ["select pgflow.prune_batch('0', 10)", "select pgflow.prune_data_older_than('0')"]
)
def test_pruned_as_any_run_that_has_ended(core: Core, prune: str) -> None:
    core.flow("f", "a")
    gone, kept = core.start_flow("f", 1).run_id, core.start_flow("f", 2).run_id
    cancel(core, gone)
    core.run_sql(
        "update pgflow.runs set started_at = started_at - interval '2 hours',"
        " cancelled_at = cancelled_at - interval '1 hour'"
    )
    core.run_sql(prune)
    assert [row.run_id for row in core.rows("select run_id from pgflow.runs")] == [kept]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("runs", {"cancelled_at": None}),
        ("runs", {"status": "started"}),
        ("runs", {"completed_at": "now()"}),
        ("runs", {"failed_at": "now()"}),
        ("step_states", {"cancelled_at": None}),
        ("step_states", {"status": "started"}),
        ("step_states", {"skipped_at": "now()"}),
        ("step_tasks", {"cancelled_at": None}),
        ("step_tasks", {"status": "queued"}),
        ("step_tasks", {"failed_at": "now()"}),
        ("step_tasks", {"output": "'1'"}),
    ],
)
def test_rows_say_the_same_in_status_and_time(core: Core, table: str, columns: dict[str, Any]) -> None:
    core.flow("f", "a")
    cancel(core, core.start_flow("f").run_id)
    (name, value), *_ = columns.items()
    shown = f"'{value}'" if name == "status" else "null" if value is None else value
    with core.refused(sqlstate="23514"):
        core.run_sql(f"update pgflow.{table} set {name} = {shown}")


def test_nobody_claims_what_was_cancelled(core: Core, worker: UUID) -> None:
    core.flow("f", "a")
    gone, kept = core.start_flow("f", 1).run_id, core.start_flow("f", 2).run_id
    cancel(core, gone)
    assert claim_one(core, worker, "f").run_id == kept
    assert claim(core, (worker, "f")) == []
