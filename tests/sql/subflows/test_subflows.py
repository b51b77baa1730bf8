"""Subflows: a step whose handler returns the input of a run of another flow; that run's output is its own."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import changed, claim, complete, fail, register
from tests.support.core import Core
from tests.support.subflows import add_subflow, children, family, hand_over, work
from tests.support.timers import fire, pass_time, timers


def test_the_output_of_the_child_is_the_output_of_the_step(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {"n": 1})
    worker = register(core, "parent")
    assert complete(core, claim(core, (worker, "parent")), [{"amount": 5}]) == []
    task = core.task(run.run_id, "bill")
    assert (task.status, task.waits_for, task.message_id) == ("queued", "child", None)
    assert core.queue("parent") == []
    (child,) = children(core, run.run_id)
    assert (child.step_slug, child.task_index, child.attempt, child.flow_slug, child.status) == (
        "bill", 0, 1, "child", "started",
    )  # fmt: skip
    assert core.run(child.run_id).input == {"amount": 5}
    (told,) = complete(core, claim(core, (register(core, "child"), "child")), ["billed"])
    assert told.outcome == "due"
    assert fire(core).fired_count == 1
    assert core.step(run.run_id, "bill").output == {"work": "billed"}
    (after,) = claim(core, (worker, "parent"))
    assert (after.step_slug, after.input) == ("after", {"bill": {"work": "billed"}})
    complete(core, [after], ["done"])
    assert core.run(run.run_id).output == {"after": "done"}


def test_a_map_has_a_child_for_each_element(core: Core) -> None:
    family(core, step_type="map")
    run = core.start_flow("parent", ["a", "b", "c"])
    found = hand_over(core, run.run_id, [1, 2, 3])
    assert [(child.task_index, core.run(child.run_id).input) for child in found] == [(0, 1), (1, 2), (2, 3)]
    tasks = claim(core, (register(core, "child"), "child"))
    complete(core, tasks[:2], ["x", "y"])
    assert fire(core).fired_count == 2
    assert core.step(run.run_id, "bill").remaining_tasks == 1
    complete(core, tasks[2:], ["z"])
    fire(core)
    assert core.step(run.run_id, "bill").output == [{"work": "x"}, {"work": "y"}, {"work": "z"}]


def test_where_a_child_comes_from(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {})
    (child,) = hand_over(core, run.run_id)
    (origin,) = core.call("get_run_origin", run_id=child.run_id)
    assert (origin.kind, origin.from_run_id, origin.step_slug, origin.attempt, origin.depth) == (
        "child", run.run_id, "bill", 1, 1,
    )  # fmt: skip
    assert core.call("get_run_origin", run_id=run.run_id) == []


def test_children_are_listed_page_by_page(core: Core) -> None:
    family(core, step_type="map")
    run = core.start_flow("parent", list(range(5)))
    everyone = hand_over(core, run.run_id)
    first = core.call("list_children", parent_id=run.run_id, max_count=2)
    last = first[-1]
    rest = core.call(
        "list_children",
        parent_id=run.run_id,
        after_step_slug=last.step_slug,
        after_task_index=last.task_index,
        after_attempt=last.attempt,
    )
    assert first + rest == everyone
    assert children(core, run.run_id, "after") == []


def test_a_failed_child_is_a_failed_attempt_and_the_next_starts_another(core: Core) -> None:
    family(core, max_attempts=2)
    run = core.start_flow("parent", {})
    (first,) = hand_over(core, run.run_id)
    assert fail(core, claim(core, (register(core, "child"), "child")))[-1].outcome == "due"
    fire(core)
    task = core.task(run.run_id, "bill")
    assert (task.status, task.attempts_count, task.waits_for) == ("queued", 1, None)
    assert task.error_message == (
        f'ChildFailed: the child run {first.run_id} of flow "child" has failed: boom'
    )
    _, second = hand_over(core, run.run_id, ["again"])
    assert (second.attempt, core.run(second.run_id).input) == (2, "again")
    work(core)
    assert core.step(run.run_id, "bill").output == {"work": "done"}


def test_the_last_attempt_fails_the_run(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {})
    hand_over(core, run.run_id)
    fail(core, claim(core, (register(core, "child"), "child")))
    fire(core)
    assert core.run(run.run_id).status == "failed"
    assert "has failed: boom" in core.run(run.run_id).error_message


def test_a_retry_far_away_waits_without_a_message(core: Core) -> None:
    family(core, max_attempts=2, base_delay=60)
    run = core.start_flow("parent", {})
    hand_over(core, run.run_id)
    fail(core, claim(core, (register(core, "child"), "child")))
    fire(core)
    assert core.task(run.run_id, "bill").waits_for == "time"
    assert core.queue("parent") == []


@pytest.mark.parametrize(
    ("when_exhausted", "status"), [("skip", "skipped"), ("skip-cascade", "skipped"), ("value", "completed")]
)
def test_exhausted_children(core: Core, when_exhausted: str, status: str) -> None:
    family(core, when_exhausted=when_exhausted)
    run = core.start_flow("parent", {})
    (child,) = hand_over(core, run.run_id)
    fail(core, claim(core, (register(core, "child"), "child")))
    fire(core)
    step = core.step(run.run_id, "bill")
    assert step.status == status
    if status == "completed":
        error = f'ChildFailed: the child run {child.run_id} of flow "child" has failed: boom'
        assert step.output == {"$failed": {"error": error, "step": "bill", "index": 0, "attempts": 1}}


def test_a_cancelled_child_is_the_last_attempt(core: Core) -> None:
    family(core, max_attempts=5)
    run = core.start_flow("parent", {})
    (child,) = hand_over(core, run.run_id)
    core.call("cancel_runs", run_ids=[child.run_id], reason="wrong address")
    fire(core)
    assert core.run(run.run_id).status == "failed"
    assert core.run(run.run_id).error_message == (
        f'ChildCancelled: the child run {child.run_id} of flow "child" was cancelled: wrong address'
    )


def test_a_child_of_an_earlier_attempt_changes_nothing(core: Core) -> None:
    family(core, max_attempts=2)
    run = core.start_flow("parent", {})
    (first,) = hand_over(core, run.run_id)
    fail(core, claim(core, (register(core, "child"), "child")))
    fire(core)
    _, second = hand_over(core, run.run_id)
    core.insert(
        "ended_children",
        run_id=run.run_id,
        step_slug="bill",
        task_index=0,
        attempt=1,
        child_run_id=first.run_id,
    )
    fire(core)
    assert core.task(run.run_id, "bill").waits_for == "child"
    assert core.value("select count(*) from pgflow.ended_children") == 0
    assert core.run(second.run_id).status == "started"


def test_the_end_of_a_child_is_counted_once(core: Core) -> None:
    family(core, step_type="map")
    run = core.start_flow("parent", [1, 2])
    first, _ = hand_over(core, run.run_id)
    (task, _) = claim(core, (register(core, "child"), "child"))
    complete(core, [task], ["x"])
    core.run_sql(
        """insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
           select run_id, step_slug, task_index, attempt, child_run_id
           from pgflow.ended_children, generate_series(1, 3)"""
    )
    fire(core, 2)
    fire(core)
    assert core.step(run.run_id, "bill").remaining_tasks == 1
    assert core.value("select count(*) from pgflow.ended_children") == 0
    assert core.run(first.run_id).status == "completed"


def test_a_repeated_or_late_result_starts_no_second_child(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {})
    (task,) = claim(core, (register(core, "parent"), "parent"))
    rows = complete(core, [task, task], [1, 2])
    assert [row.outcome for row in rows] == ["stale"]
    rows = complete(core, [task, changed(task, attempt=2)], [3, 4])
    assert [row.outcome for row in rows] == ["stale", "stale"]
    assert fail(core, [task])[0].outcome == "stale"
    (child,) = children(core, run.run_id)
    assert core.run(child.run_id).input == 1


def test_a_child_may_end_as_it_starts(core: Core) -> None:
    family(core, subflow="empty")
    core.create_flow("empty")
    run = core.start_flow("parent", {})
    (told,) = complete(core, claim(core, (register(core, "parent"), "parent")), [None])
    assert told.outcome == "due"
    fire(core)
    assert core.step(run.run_id, "bill").output == {}


def test_a_flow_that_is_not_there_fails_the_attempt(core: Core) -> None:
    family(core, subflow="later", max_attempts=2)
    run = core.start_flow("parent", {})
    (row,) = complete(core, claim(core, (register(core, "parent"), "parent")), [{}])
    assert (row.outcome, row.input) == (
        "retried", 'SubflowMissing: the flow "later" is not in this database; apply its migration'
    )  # fmt: skip
    core.flow("later", "a")
    hand_over(core, run.run_id)
    work(core, "later", 7)
    assert core.step(run.run_id, "bill").output == {"a": 7}


def test_what_the_child_cannot_go_over_is_refused_at_once(core: Core) -> None:
    family(core, subflow="lists", max_attempts=5)
    core.flow("lists", "m:map")
    run = core.start_flow("parent", {})
    (row,) = complete(core, claim(core, (register(core, "parent"), "parent")), [{"no": "list"}])
    assert row.outcome == "failed"
    assert core.run(run.run_id).error_message == (
        'SubflowInput: the flow "lists" goes over its input, which must be an array'
    )


def nest(core: Core, depth: int, **options: Any) -> Any:
    """A flow that starts itself, so many runs deep; the outermost run and the last answer."""
    core.create_flow("nest", max_attempts=3, base_delay=0)
    add_subflow(core, "nest", "deeper", subflow="nest", **options)
    run = core.start_flow("nest", {})
    worker = register(core, "nest")
    rows: list[Any] = []
    for _ in range(depth + 1):
        assert rows == []
        rows = complete(core, claim(core, (worker, "nest")), [{}])
    return run, rows


def test_runs_are_sixteen_deep_at_most(core: Core) -> None:
    run, rows = nest(core, 16)
    assert [row.outcome for row in rows] == ["failed", "due"]
    assert "another one 17 deep, and at most 16 are allowed" in rows[0].input
    while core.value("select count(*) from pgflow.ended_children"):
        fire(core)
    assert core.run(run.run_id).status == "failed"
    assert core.value("select max(depth) from pgflow.origins") == 16


def test_a_step_may_allow_less(core: Core) -> None:
    _, rows = nest(core, 2, max_depth=2)
    assert rows[0].outcome == "failed"
    assert "another one 3 deep, and max_depth of the step is 2" in rows[0].input


def test_the_deadline_of_a_step_exhausts_it_and_cancels_its_children(core: Core) -> None:
    family(core, step_type="map", deadline=50, when_exhausted="value", max_attempts=9)
    run = core.start_flow("parent", [1, 2])
    (first, second) = claim(core, (register(core, "parent"), "parent"))
    complete(core, [first], [{}])
    (child,) = children(core, run.run_id)
    (timer,) = timers(core)
    assert (timer.kind, round(timer.seconds)) == ("deadline", 50)
    pass_time(core)
    fire(core)
    outputs = core.step(run.run_id, "bill").output
    assert [output["$failed"]["error"] for output in outputs] == ["timed out after 50 s"] * 2
    assert complete(core, [second], [{}])[0].outcome == "stale"
    fire(core)
    assert core.run(child.run_id).status == "cancelled"
    assert "goes on without it" in core.run(child.run_id).cancel_reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "subflow must be the slug of a flow, not missing"),
        ({"subflow": "a b"}, "subflow must be the slug of a flow, not a b"),
        ({"subflow": 3}, "subflow must be the slug of a flow, not 3"),
        ({"subflow": "x", "max_depth": 17}, "max_depth must be a whole number from 1 to 16, not 17"),
        ({"subflow": "x", "deadline": 0}, "deadline must be a whole number of seconds"),
        ({"subflow": "x", "every": 1}, 'A subflow has no option "every"'),
    ],
)
def test_wrong_options(core: Core, options: dict[str, Any], words: str) -> None:
    core.create_flow("f")
    with core.refused(words, sqlstate="PF011"):
        core.add_step("f", "a", options=Jsonb({"kind": "subflow", **options}))


def test_a_run_s_output_is_no_array(core: Core) -> None:
    core.create_flow("f")
    add_subflow(core, "f", "one")
    with core.refused('Map step "m" cannot go over "one", the output of a run', sqlstate="PF011"):
        core.add_step("f", "m", ["one"], step_type="map")
    add_subflow(core, "f", "many", step_type="map")
    core.add_step("f", "n", ["many"], step_type="map")


def test_the_flow_of_the_children_is_structure(core: Core) -> None:
    core.create_flow("f")
    add_subflow(core, "f", "a", subflow="x", deadline=5)
    definition = core.value("select pgflow.get_flow_definition('f')")
    (step,) = definition["structure"]["steps"]
    assert (step["kind"], step["subflow"]) == ("subflow", "x")
    assert definition["settings"]["steps"]["a"]["deadline"] == 5
    assert "subflow" not in definition["settings"]["steps"]["a"]
    core.call("alter_step", flow_slug="f", step_slug="a", options=Jsonb({"deadline": 9}))
    assert core.value("select options from pgflow.steps") == {"subflow": "x", "deadline": 9}
    with core.refused('The runs of step "a" are of flow "x"', sqlstate="PF010"):
        core.call("alter_step", flow_slug="f", step_slug="a", options=Jsonb({"subflow": "y"}))
    with core.refused("has a step", sqlstate="PF010"):
        add_subflow(core, "f", "a", subflow="y")


def test_who_polls_is_told_that_the_end_of_a_child_is_due(core: Core) -> None:
    family(core)
    run = core.start_flow("parent", {})
    (child,) = hand_over(core, run.run_id)
    core.call("cancel_runs", run_ids=[child.run_id])
    worker = register(core, "parent")
    assert core.value("select pgflow.announce_idle(%s, 5)", [worker]) == 0
    assert fire(core).next_in is None


def test_an_end_that_cannot_be_told_is_kept_and_holds_up_no_other(core: Core) -> None:
    family(core)
    runs = [core.start_flow("parent", {}).run_id for _ in range(2)]
    for run in runs:
        hand_over(core, run)
    core.run_sql(
        f"""create function pg_temp.refuse() returns trigger language plpgsql as
            $$ begin raise 'no'; end $$;
            create trigger refuse before update on pgflow.step_states for each row
            when (new.run_id = '{runs[0]}') execute function pg_temp.refuse()"""
    )
    work(core)
    assert [core.run(run).status for run in runs] == ["started", "started"]
    assert [core.step(run, "bill").status for run in runs] == ["started", "completed"]
    kept = core.row("select *, due_at - clock_timestamp() as wait from pgflow.ended_children")
    assert (kept.run_id, kept.failures) == (runs[0], 1)
    assert "no" in kept.error_message
    assert 1 < kept.wait.total_seconds() <= 2
