"""Loops: a handler that asks to be called again, with a state, and what stays as it is meanwhile."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import again, changed, claim, complete, fail, register, release
from tests.support.core import Core, Row
from tests.support.timers import fire, pass_time, timers


def loop(core: Core, **options: Any) -> None:
    """before -> poll (a loop) -> after"""
    named = {name: options.pop(name) for name in ("when_exhausted", "max_attempts") if name in options}
    core.create_flow("f", base_delay=0)
    core.add_step("f", "before")
    options = {"kind": "loop", "max_rounds": 5} | options
    core.call(
        "add_step", flow_slug="f", step_slug="poll", deps_slugs=["before"], options=Jsonb(options), **named
    )
    core.add_step("f", "after", ["poll"])


def first_round(core: Core) -> Row:
    """The claimed loop of a new run."""
    core.start_flow("f", {})
    worker = register(core, "f")
    (task,) = complete(core, claim(core, (worker, "f")), ["ready"], hand_over=1)
    return task


def next_round(core: Core, task: Row, state: Any = None, delay_ms: int | None = None) -> Row:
    (row,) = again(core, [task], [state], [delay_ms], hand_over=1)
    assert row.outcome == "claimed"
    return row


def test_the_next_round_is_handed_over_with_its_state(core: Core) -> None:
    loop(core)
    task = first_round(core)
    assert (task.state, task.round, task.attempt) == (None, None, 1)
    second = next_round(core, task, {"seen": [1]})
    assert (second.step_slug, second.input, second.state, second.round) == (
        "poll", {"before": "ready"}, {"seen": [1]}, 2,
    )  # fmt: skip
    (after,) = complete(core, [second], ["done"], hand_over=1)
    assert after.input == {"poll": "done"}
    (message,) = core.queue("f")
    assert (message.message["step_slug"], message.read_ct) == ("after", 1)


def test_a_round_that_nobody_takes_over_is_visible_at_once(core: Core) -> None:
    loop(core)
    task = first_round(core)
    assert again(core, [task], [7]) == []
    (claimed,) = claim(core, (register(core, "f"), "f"))
    assert (claimed.state, claimed.round) == (7, 2)


@pytest.mark.parametrize(
    ("every", "delay_ms", "seconds"), [(None, 2_500, 2.5), (3, None, 3), (3, 7_000, 7), (5, 0, 0)]
)
def test_a_short_delay_hides_the_message(
    core: Core, every: int | None, delay_ms: int | None, seconds: float
) -> None:
    loop(core, every=every)
    task = first_round(core)
    before = core.clock().timestamp()
    again(core, [task], None, [delay_ms])
    ((message,), later) = core.queue("f"), core.clock().timestamp()
    assert before <= message.vt.timestamp() - seconds <= later
    assert core.task(task.run_id, "poll").waits_for is None


def test_a_long_delay_waits_without_a_message(core: Core) -> None:
    loop(core, every=30)
    task = first_round(core)
    again(core, [task], ["kept"])
    assert core.queue("f") == []
    stored = core.task(task.run_id, "poll")
    assert (stored.status, stored.waits_for, stored.state) == ("queued", "round", "kept")
    (timer,) = timers(core)
    assert (timer.kind, round(timer.seconds)) == ("wait", 30)
    pass_time(core, 31)
    assert fire(core).fired_count == 1
    (second,) = claim(core, (task.worker_id, "f"))
    assert (second.state, second.round) == ("kept", 2)


def test_no_attempt_is_counted_and_each_round_has_all_of_them(core: Core) -> None:
    loop(core, max_attempts=2, max_rounds=3)
    task = first_round(core)
    for _ in range(2):
        (row,) = fail(core, [task])
        assert row.outcome == "retried"
        (task,) = claim(core, (task.worker_id, "f"))
        task = next_round(core, task)
    assert [row.outcome for row in fail(core, [task])] == ["retried"]
    (task,) = claim(core, (task.worker_id, "f"))
    assert [row.outcome for row in fail(core, [task])] == ["failed"]


def test_a_retry_of_a_round_gets_its_state_again(core: Core) -> None:
    loop(core, max_attempts=2)
    task = next_round(core, first_round(core), "state")
    fail(core, [task])
    (again_claimed,) = claim(core, (task.worker_id, "f"))
    assert (again_claimed.state, again_claimed.round) == ("state", 2)


def test_a_released_round_is_the_same_round(core: Core) -> None:
    loop(core)
    task = next_round(core, first_round(core), "state")
    assert release(core, [task]) == 1
    (claimed,) = claim(core, (task.worker_id, "f"))
    assert (claimed.state, claimed.round) == ("state", 2)


@pytest.mark.parametrize(
    ("when_exhausted", "outcome", "status"),
    [("fail", "failed", "failed"), ("skip", "skipped", "started"), ("value", "tolerated", "started")],
)
def test_the_last_round_exhausts_the_loop(core: Core, when_exhausted: str, outcome: str, status: str) -> None:
    loop(core, max_rounds=2, when_exhausted=when_exhausted, max_attempts=5)
    task = next_round(core, first_round(core))
    (row,) = again(core, [task])
    assert row.outcome == outcome
    assert core.task(task.run_id, "poll").error_message == (
        "LoopExhausted: the loop has not ended within its 2 rounds"
    )
    assert core.run(task.run_id).status == status


def test_a_late_round_changes_nothing(core: Core) -> None:
    loop(core)
    task = first_round(core)
    second = next_round(core, task, 1)
    rows = again(core, [task, changed(second, worker_id=uuid4()), second, second], [2, 3, 4, 5])
    assert [row.outcome for row in rows] == ["stale", "stale", "stale"]
    stored = core.task(task.run_id, "poll")
    assert (stored.state, stored.round, stored.status) == (4, 3, "queued")


def test_a_step_that_is_no_loop_has_one_round(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f", {})
    (row,) = again(core, claim(core, (register(core, "f"), "f")))
    assert row.outcome == "failed"


def test_hand_over_takes_the_first_so_many(core: Core) -> None:
    loop(core)
    tasks = [first_round(core) for _ in range(3)]
    rows = again(core, tasks, [1, 2, 3], hand_over=2)
    assert [(row.run_id, row.state) for row in rows] == [
        (task.run_id, n) for n, task in enumerate(tasks[:2], 1)
    ]
    assert [message.read_ct for message in core.queue("f")] == [1, 1, 0]


def test_a_paused_flow_and_a_held_run_get_no_next_round(core: Core) -> None:
    loop(core)
    paused, held = first_round(core), first_round(core)
    core.call("hold_runs", run_ids=[held.run_id])
    assert again(core, [held], ["kept"], hand_over=1) == []
    assert core.task(held.run_id, "poll").waits_for == "hold"
    core.call("pause_flow", flow_slug="f")
    assert again(core, [paused], hand_over=1) == []
    core.call("resume_flow", flow_slug="f")
    core.call("release_runs", run_ids=[held.run_id])
    rounds = {row.run_id: (row.round, row.state) for row in claim(core, (paused.worker_id, "f"))}
    assert rounds == {paused.run_id: (2, None), held.run_id: (2, "kept")}


def test_a_long_wait_goes_on_under_a_hold(core: Core) -> None:
    loop(core, every=60)
    task = first_round(core)
    again(core, [task])
    core.call("hold_runs", run_ids=[task.run_id])
    pass_time(core, 61)
    fire(core)
    assert core.task(task.run_id, "poll").waits_for == "hold"
    core.call("release_runs", run_ids=[task.run_id])
    assert len(claim(core, (task.worker_id, "f"))) == 1


# -- the deadline of all rounds together ---------------------------------------------------------------------


def over(core: Core) -> None:
    pass_time(core, 101)
    fire(core)


@pytest.mark.parametrize("place", ["running", "queued", "waiting"])
def test_a_loop_beyond_its_deadline_is_exhausted(core: Core, place: str) -> None:
    loop(core, deadline=100, when_exhausted="skip")
    task = first_round(core)
    if place != "running":
        again(core, [task], None, [0 if place == "queued" else 3_600_000])
    over(core)
    assert core.statuses(task.run_id) == {"before": "completed", "poll": "skipped", "after": "started"}
    assert core.step(task.run_id, "poll").error_message == "timed out after 100 s"
    assert [message.message["step_slug"] for message in core.queue("f")] == ["after"]
    assert [row.outcome for row in again(core, [task])] == ["stale"]
    assert timers(core) == []


def test_a_deadline_fails_the_run(core: Core) -> None:
    loop(core, deadline=100)
    task = first_round(core)
    over(core)
    run = core.run(task.run_id)
    assert (run.status, run.error_message) == ("failed", "timed out after 100 s")


def test_a_loop_that_has_ended_has_no_deadline(core: Core) -> None:
    loop(core, deadline=100)
    task = first_round(core)
    complete(core, [task])
    over(core)
    assert core.statuses(task.run_id)["poll"] == "completed"
    complete(core, claim(core, (task.worker_id, "f")))
    assert core.run(task.run_id).status == "completed"
    assert timers(core) == []


# -- cancel, retry, fork, prune ------------------------------------------------------------------------------


def test_a_cancelled_loop_goes_round_no_more(core: Core) -> None:
    loop(core, every=60, deadline=100)
    task = first_round(core)
    again(core, [task])
    core.call("cancel_runs", run_ids=[task.run_id])
    assert (core.task(task.run_id, "poll").status, timers(core)) == ("cancelled", [])


def test_a_retried_loop_keeps_its_state_and_counts_afresh(core: Core) -> None:
    loop(core, max_rounds=2, deadline=100)
    task = next_round(core, first_round(core), "state")
    again(core, [task], ["later state"])
    assert core.run(task.run_id).status == "failed"
    core.call("retry_runs", run_ids=[task.run_id])
    (timer,) = timers(core)
    assert (timer.kind, round(timer.seconds)) == ("deadline", 100)
    (claimed,) = claim(core, (task.worker_id, "f"))
    assert (claimed.state, claimed.round) == ("state", None)


def test_a_forked_loop_begins_anew(core: Core) -> None:
    loop(core)
    task = first_round(core)
    again(core, [task], ["state"])
    core.call("fork_run", run_id=task.run_id, from_steps=["poll"])
    rounds = {row.run_id == task.run_id: (row.state, row.round) for row in claim(core, (task.worker_id, "f"))}
    assert rounds == {True: ("state", 2), False: (None, None)}


def test_pages_tell_when_the_next_round_is(core: Core) -> None:
    loop(core, every=60)
    task = first_round(core)
    again(core, [task])
    shown = core.value("select pgflow.get_task(%s, 'poll', 0)", task.run_id)
    assert (shown["waits_for"], shown["round"], shown["due_at"] is not None) == ("round", 2, True)
    (counts,) = [row for row in core.call("count_tasks", run_id=task.run_id) if row.step_slug == "poll"]
    assert (counts.waiting, counts.again, counts.round, counts.due_at is not None) == (1, 1, 2, True)


# -- what a loop says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "max_rounds must be a whole number from 1 to 100,000, not missing"),
        ({"max_rounds": 0}, "max_rounds must be a whole number"),
        ({"max_rounds": 100_001}, "max_rounds must be a whole number"),
        ({"max_rounds": 3, "every": 0}, "every must be a whole number of seconds"),
        ({"max_rounds": 3, "deadline": 1.5}, "deadline must be a whole number of seconds"),
        ({"max_rounds": 3, "seconds": 1}, 'A loop has no option "seconds"'),
    ],
)
def test_wrong_options_are_refused(core: Core, options: Any, words: str) -> None:
    core.create_flow("f")
    with core.refused(words, sqlstate="PF011"):
        core.call("add_step", flow_slug="f", step_slug="a", options=Jsonb({"kind": "loop"} | options))


def test_a_map_is_no_loop_and_a_step_stays_what_it_is(core: Core) -> None:
    core.create_flow("f")
    options = Jsonb({"kind": "loop", "max_rounds": 3})
    with core.refused("cannot be a map", sqlstate="PF011"):
        core.call("add_step", flow_slug="f", step_slug="a", step_type="map", options=options)
    core.add_step("f", "a")
    with core.refused("has a step", sqlstate="PF010"):
        core.call("add_step", flow_slug="f", step_slug="a", options=options)
    with core.refused("is a task, and stays one", sqlstate="PF010"):
        core.call("alter_step", flow_slug="f", step_slug="a", options=options)
    with core.refused('has no option "max_rounds"', sqlstate="PF011"):
        core.call("alter_step", flow_slug="f", step_slug="a", options=Jsonb({"max_rounds": 3}))


def test_settings_are_read_when_a_round_ends(core: Core) -> None:
    loop(core)
    task = first_round(core)
    core.call("alter_step", flow_slug="f", step_slug="poll", options=Jsonb({"max_rounds": 1}))
    assert [row.outcome for row in again(core, [task])] == ["failed"]


def test_arrays_of_one_call_have_one_length(core: Core) -> None:
    with core.refused("states has 2 elements, run_ids has 1", sqlstate="PF005"):
        core.run_sql(
            "select pgflow.again_tasks(array[%s]::uuid[], array[%s]::uuid[], '{a}', '{0}', '{1}', '{1,2}')",
            UUID(int=1),
            UUID(int=1),
        )
