"""What is done to runs that have children, or are some: cancel, retry, fork, hold, prune, delete."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.batch import claim, complete, fail, register
from tests.support.control import cancel, hold, let_go, retry
from tests.support.core import Core, connect
from tests.support.subflows import add_subflow, children, family, hand_over, work
from tests.support.timers import fire


def settle(core: Core) -> None:
    """Fire until nothing is due."""
    while core.row("select * from pgflow.fire_timers(1000)").fired_count:
        pass


def generations(core: Core) -> list[UUID]:
    """A run of "top", its child of "middle", and that one's child of "child"."""
    family(core)
    for flow, subflow in (("middle", "child"), ("top", "middle")):
        core.create_flow(flow, max_attempts=1, base_delay=0)
        add_subflow(core, flow, "down", subflow=subflow)
    run = core.start_flow("top", {}).run_id
    (child,) = hand_over(core, run, flow="top")
    (grandchild,) = hand_over(core, child.run_id, flow="middle")
    return [run, child.run_id, grandchild.run_id]


def statuses(core: Core, runs: list[UUID]) -> list[str]:
    return [core.run(run).status for run in runs]


def test_cancelling_goes_down_level_by_level(core: Core) -> None:
    runs = generations(core)
    cancel(core, runs[0])
    assert statuses(core, runs) == ["cancelled", "started", "started"]
    fire(core)
    assert statuses(core, runs) == ["cancelled", "cancelled", "started"]
    settle(core)
    assert statuses(core, runs) == ["cancelled"] * 3
    assert core.run(runs[1]).cancel_reason == (
        f"nobody waits for it: the run {runs[0]} that started it was cancelled"
    )
    assert core.value("select count(*) from pgflow.timers") == 0
    assert core.value("select count(*) from pgflow.ended_children") == 0


def test_cancelling_reaches_grandchildren_that_start_meanwhile(core: Core) -> None:
    family(core)
    core.create_flow("top", max_attempts=1)
    add_subflow(core, "top", "down", subflow="parent")
    run = core.start_flow("top", {}).run_id
    (child,) = hand_over(core, run, flow="top")
    cancel(core, run)
    (grandchild,) = hand_over(core, child.run_id)
    settle(core)
    assert statuses(core, [run, child.run_id, grandchild.run_id]) == ["cancelled"] * 3


def test_a_task_of_a_cancelled_run_starts_no_child(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    tasks = claim(core, (register(core, "parent"), "parent"))
    cancel(core, run)
    assert complete(core, tasks)[0].outcome == "stale"
    assert children(core, run) == []


def test_more_children_than_one_transaction_may_hold(core: Core) -> None:
    family(core, step_type="map")
    run = core.start_flow("parent", list(range(2_100))).run_id
    tasks = claim(core, (register(core, "parent"), "parent"), max_tasks=3_000)
    complete(core, tasks)
    cancel(core, run)
    fire(core)
    count = "select count(*) from pgflow.runs where flow_slug = 'child' and status = 'cancelled'"
    assert core.value(count) == 1_000
    settle(core)
    assert core.value(count) == 2_100


def test_children_that_somebody_holds_are_cancelled_later(live: Core, live_dsn: str) -> None:
    family(live)
    run = live.start_flow("parent", {}).run_id
    (child,) = hand_over(live, run)
    with connect(live_dsn, autocommit=False) as other:
        other.execute("select from pgflow.runs where run_id = %s for update", [child.run_id])
        cancel(live, run)
        fire(live)
        assert live.run(child.run_id).status == "started"
    live.run_sql("update pgflow.timers set due_at = clock_timestamp()")
    fire(live)
    assert live.run(child.run_id).status == "cancelled"


@pytest.mark.parametrize("end", ["fail", "skip", "time-out"])
def test_whatever_ends_a_waiting_step_cancels_its_children(core: Core, end: str) -> None:
    family(core, step_type="map", when_exhausted="skip" if end == "skip" else "fail")
    run = core.start_flow("parent", [1, 2]).run_id
    tasks = claim(core, (register(core, "parent"), "parent"))
    complete(core, tasks[:1])
    (child,) = children(core, run)
    if end == "time-out":
        core.insert("timers", due_at=core.clock(), kind="run_timeout", flow_slug="parent", run_id=run)
        fire(core)
    else:
        fail(core, tasks[1:])
    assert core.run(child.run_id).status == "started"
    settle(core)
    assert core.run(child.run_id).status == "cancelled"
    assert (core.run(run).status == "started") == (end == "skip")


def test_the_children_of_a_skipped_step_are_cancelled_though_the_run_has_completed(core: Core) -> None:
    core.create_flow("child")
    core.add_step("child", "work")
    core.create_flow("parent", max_attempts=1)
    add_subflow(core, "parent", "only", step_type="map", when_exhausted="skip")
    run = core.start_flow("parent", [1, 2]).run_id
    tasks = claim(core, (register(core, "parent"), "parent"))
    complete(core, tasks[:1])
    fail(core, tasks[1:])
    assert core.run(run).status == "completed"
    settle(core)
    assert statuses(core, [child.run_id for child in children(core, run)]) == ["cancelled"]


def test_a_retried_parent_retries_its_failed_child_in_place(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    (child,) = hand_over(core, run)
    fail(core, claim(core, (register(core, "child"), "child")))
    fire(core)
    assert statuses(core, [run, child.run_id]) == ["failed", "failed"]
    retry(core, run)
    task = core.task(run, "bill")
    assert (task.status, task.waits_for, task.attempts_count, task.forgiven_count) == (
        "queued",
        "child",
        1,
        0,
    )
    assert core.queue("parent") == []
    fire(core)
    assert statuses(core, [run, child.run_id]) == ["started", "started"]
    work(core)
    assert core.step(run, "bill").output == {"work": "done"}
    assert len(children(core, run)) == 1


def test_a_retried_parent_is_told_of_a_child_that_has_completed_meanwhile(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    (child,) = hand_over(core, run)
    cancel(core, run)
    tasks = claim(core, (register(core, "child"), "child"))
    core.run_sql("update pgflow.timers set due_at = 'infinity'")
    complete(core, tasks, ["in time"])
    fire(core)
    retry(core, run)
    fire(core)
    assert core.step(run, "bill").output == {"work": "in time"}
    assert core.run(child.run_id).status == "completed"


def test_a_retried_parent_waits_for_a_child_that_still_goes_on(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    (child,) = hand_over(core, run)
    cancel(core, run)
    retry(core, run)
    settle(core)
    assert core.run(child.run_id).status == "started"
    work(core)
    assert core.step(run, "bill").status == "completed"


def test_all_generations_go_on_with_their_root(core: Core) -> None:
    runs = generations(core)
    cancel(core, runs[0])
    settle(core)
    retry(core, runs[0])
    settle(core)
    assert statuses(core, runs) == ["started"] * 3
    work(core)
    settle(core)
    assert statuses(core, runs) == ["completed"] * 3


def test_a_child_whose_parent_does_not_wait_is_not_retried(core: Core) -> None:
    runs = generations(core)
    cancel(core, runs[0])
    settle(core)
    rows = core.call("retry_runs", run_ids=runs[1:])
    assert {row.run_id: (row.outcome, row.root_run_id) for row in rows} == dict.fromkeys(
        runs[1:], ("not_awaited", runs[0])
    )
    assert statuses(core, runs) == ["cancelled"] * 3
    assert core.value("select outcome from pgflow.actions where action = 'retry'") == {"not_awaited": 2}


def test_a_child_that_is_waited_for_may_be_retried_by_itself(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    (child,) = hand_over(core, run)
    fail(core, claim(core, (register(core, "child"), "child")))
    (row,) = core.call("retry_runs", run_ids=[child.run_id])
    assert row.outcome == "retried"
    fire(core)
    assert statuses(core, [run, child.run_id]) == ["started", "started"]
    work(core)
    assert core.step(run, "bill").output == {"work": "done"}


def test_an_end_is_not_told_while_somebody_retries_the_child(live: Core, live_dsn: str) -> None:
    family(live)
    run = live.start_flow("parent", {}).run_id
    (child,) = hand_over(live, run)
    fail(live, claim(live, (register(live, "child"), "child")))
    with connect(live_dsn, autocommit=False) as other:
        other.execute("select pgflow.retry_runs(%s)", [[child.run_id]])
        fire(live)
        assert live.task(run, "bill").waits_for == "child"
        other.commit()
    live.run_sql("update pgflow.ended_children set tried_at = null")
    fire(live)
    assert statuses(live, [run, child.run_id]) == ["started", "started"]
    work(live)
    assert live.step(run, "bill").status == "completed"


def test_a_fork_starts_children_of_its_own(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    hand_over(core, run)
    work(core)
    (row,) = core.call("fork_run", run_id=run, from_steps=["after"])
    assert core.step(row.fork_run, "bill").output == {"work": "done"}
    (row,) = core.call("fork_run", run_id=run, from_steps=["bill"])
    (task,) = [task for task in claim(core, (register(core, "parent"), "parent")) if task.step_slug == "bill"]
    complete(core, [task])
    assert len(children(core, row.fork_run)) == 1
    assert len(children(core, run)) == 1


def test_what_becomes_ready_in_a_held_parent_waits_for_its_release(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    hand_over(core, run)
    hold(core, run)
    work(core)
    assert core.step(run, "bill").status == "completed"
    assert core.task(run, "after").waits_for == "hold"
    let_go(core, run)
    assert core.task(run, "after").waits_for is None


def test_children_of_a_paused_flow_wait(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    core.run_sql("select pgflow.pause_flow('child')")
    hand_over(core, run)
    assert claim(core, (register(core, "child"), "child")) == []
    core.run_sql("select pgflow.resume_flow('child')")
    work(core)
    assert core.step(run, "bill").status == "completed"


def age(core: Core, *runs: UUID) -> None:
    core.run_sql(
        """update pgflow.runs set started_at = started_at - interval '9 days',
             completed_at = completed_at - interval '9 days', failed_at = failed_at - interval '9 days',
             cancelled_at = cancelled_at - interval '9 days'
           where run_id = any(%s)""",
        list(runs),
    )


def prune(core: Core, most: int = 100) -> int:
    count: int = core.value("select pgflow.prune_batch('7 days', %s)", most)
    return count


def test_runs_are_pruned_with_their_root_leaf_first(core: Core) -> None:
    runs = generations(core)
    work(core)
    settle(core)
    assert statuses(core, runs) == ["completed"] * 3
    age(core, *runs[1:])
    assert prune(core) == 0
    age(core, runs[0])
    assert prune(core, 2) == 2
    assert core.value("select run_id from pgflow.runs") == runs[0]
    assert prune(core) == 1
    assert core.value("select count(*) from pgflow.origins") == 0


def test_one_call_prunes_a_whole_family(core: Core) -> None:
    runs = generations(core)
    work(core)
    settle(core)
    age(core, *runs)
    assert prune(core) == 3
    assert core.value("select count(*) from pgflow.runs") == 0


def test_the_older_interface_prunes_families_too(core: Core) -> None:
    runs = generations(core)
    work(core)
    settle(core)
    age(core, *runs)
    core.run_sql("select pgflow.prune_data_older_than('7 days')")
    assert core.value("select count(*) from pgflow.runs") == 0


def test_old_children_of_a_root_that_goes_on_are_pruned_unless_they_are_waited_for(core: Core) -> None:
    family(core, step_type="map")
    run = core.start_flow("parent", [1, 2]).run_id
    first, second = (child.run_id for child in hand_over(core, run))
    tasks = claim(core, (register(core, "child"), "child"))
    complete(core, tasks[:1], ["x"])
    fire(core)
    complete(core, tasks[1:], ["y"])  # of which the parent has not heard
    age(core, first, second)
    assert prune(core) == 1
    assert [child.run_id for child in children(core, run)] == [second]
    fire(core)
    assert prune(core) == 1
    assert core.step(run, "bill").output == [{"work": "x"}, {"work": "y"}]


def test_a_parent_whose_child_s_flow_is_deleted_does_not_wait_for_ever(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {}).run_id
    (child,) = hand_over(core, run)
    core.run_sql("select pgflow.delete_flow_and_data('child')")
    fire(core)
    assert core.run(run).status == "failed"
    assert core.run(run).error_message == f"ChildDeleted: the child run {child.run_id} is no more"
