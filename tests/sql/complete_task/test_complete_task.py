"""Results are taken in (type violations are in tests/sql/maps) (specification/core.md, "Completing")."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.support.core import SQL_NULL, Core


def started(core: Core, *steps: str, input: object = None, **options: int) -> UUID:
    """A run of flow `f` all of whose first tasks are started."""
    core.flow("f", *steps, **options)
    run = core.start_flow("f", input)
    core.poll("f", 100)
    result: UUID = run.run_id
    return result


def test_returns_the_task_as_it_is_afterwards(core: Core) -> None:
    run_id = started(core, "a")
    (row,) = core.complete_task(run_id, "a", 0, {"y": 1})
    assert row == core.task(run_id, "a")
    assert (row.status, row.output, row.completed_at) == ("completed", {"y": 1}, core.now())
    assert (row.failed_at, row.error_message, row.attempts_count) == (None, None, 1)


def test_positional_call_in_a_select_list(core: Core) -> None:
    run_id = started(core, "a")
    row = core.row("select (pgflow.complete_task(%s, 'a', 0, '5')).*", run_id)
    assert row.step_slug == "a"


def test_completes_the_step(core: Core) -> None:
    run_id = started(core, "a", "b < a")
    core.complete_task(run_id, "a", 0, [1])
    step = core.step(run_id, "a")
    assert (step.status, step.output, step.completed_at) == ("completed", [1], core.now())
    assert (step.remaining_tasks, step.failed_at) == (0, None)
    assert core.run(run_id).remaining_steps == 1


def test_archives_its_message(core: Core) -> None:
    run_id = started(core, "a", "b")
    ids = {task.step_slug: task.message_id for task in core.tasks(run_id)}
    core.complete_task(run_id, "a", 0, 1)
    assert [row.msg_id for row in core.archive("f")] == [ids["a"]]
    assert [row.msg_id for row in core.queue("f")] == [ids["b"]]


def test_starts_dependents(core: Core) -> None:
    run_id = started(core, "a", "b < a", "c < b")
    core.complete_task(run_id, "a", 0, 1)
    assert core.statuses(run_id) == {"a": "completed", "b": "started", "c": "created"}
    assert core.step(run_id, "b").remaining_deps == 0
    assert core.step(run_id, "c").remaining_deps == 1
    assert [row.message["step_slug"] for row in core.queue("f")] == ["b"]


def test_a_dependent_waits_for_all_of_its_parents(core: Core) -> None:
    run_id = started(core, "a", "b", "c < a b")
    core.complete_task(run_id, "b", 0, 1)
    step = core.step(run_id, "c")
    assert (step.status, step.remaining_deps) == ("created", 1)
    core.complete_task(run_id, "a", 0, 1)
    step = core.step(run_id, "c")
    assert (step.status, step.remaining_deps) == ("started", 0)


def test_the_last_step_completes_the_run(core: Core) -> None:
    run_id = started(core, "a", "b")
    core.complete_task(run_id, "a", 0, 1)
    assert core.run(run_id).status == "started"
    core.complete_task(run_id, "b", 0, 2)
    run = core.run(run_id)
    assert (run.status, run.output, run.completed_at) == ("completed", {"a": 1, "b": 2}, core.now())


def test_other_runs_stay_as_they_are(core: Core) -> None:
    core.flow("f", "a", "b < a")
    first, second = core.start_flow("f"), core.start_flow("f")
    core.poll("f", 2)
    core.complete_task(first.run_id, "a", 0, 1)
    assert core.statuses(second.run_id) == {"a": "started", "b": "created"}
    assert core.run(second.run_id) == second


@pytest.mark.parametrize("output", [{"a": 1}, [1], "x", 1, 1.5, True, None, {}, [], ""])
def test_any_json_is_an_output(core: Core, output: object) -> None:
    run_id = started(core, "a")
    core.complete_task(run_id, "a", 0, output)
    stored = core.value("select output from pgflow.step_states where run_id = %s", run_id)
    assert stored == output
    assert core.run(run_id).output == {"a": output}


def test_sql_null_output(core: Core) -> None:
    run_id = started(core, "a")
    (row,) = core.complete_task(run_id, "a", 0, SQL_NULL)
    assert (row.status, row.output) == ("completed", None)
    assert core.statuses(run_id) == {"a": "completed"}


def test_a_second_call_keeps_the_first_output(core: Core) -> None:
    run_id = started(core, "a", "b")
    core.complete_task(run_id, "a", 0, "first")
    before, events = core.run(run_id), len(core.events())
    (row,) = core.complete_task(run_id, "a", 0, "second")
    assert (row.status, row.output) == ("completed", "first")
    assert core.step(run_id, "a").output == "first"
    assert (core.run(run_id), len(core.events())) == (before, events)


def test_a_second_call_after_the_end_of_the_run(core: Core) -> None:
    run_id = started(core, "a")
    core.complete_task(run_id, "a", 0, 1)
    (row,) = core.complete_task(run_id, "a", 0, 2)
    assert row.output == 1
    assert core.run(run_id).output == {"a": 1}


def test_a_second_call_for_a_task_of_an_open_map(core: Core) -> None:
    run_id = started(core, "m:map", input=[1, 2, 3])
    core.complete_task(run_id, "m", 1, "first")
    (row,) = core.complete_task(run_id, "m", 1, "second")
    assert row.output == "first"
    assert core.step(run_id, "m").remaining_tasks == 2


def test_a_queued_task_is_not_completed(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run = core.start_flow("f")
    before = core.task(run.run_id, "a")
    (row,) = core.complete_task(run.run_id, "a", 0, 1)
    assert row == before
    assert core.statuses(run.run_id) == {"a": "started", "b": "created"}
    assert core.step(run.run_id, "a").remaining_tasks == 1
    assert core.run(run.run_id) == run
    assert len(core.queue("f")) == 1
    assert core.archive("f") == []


def test_a_task_of_a_failed_run_stays_as_it_is(core: Core) -> None:
    run_id = started(core, "a", "b", max_attempts=1)
    core.fail_task(run_id, "b")
    before, events = core.task(run_id, "a"), len(core.events())
    (row,) = core.complete_task(run_id, "a", 0, "too late")
    assert row == before
    assert (row.status, row.output) == ("started", None)
    assert core.step(run_id, "a").status == "started"
    assert len(core.events()) == events


@pytest.mark.parametrize(
    "change",
    [
        "status = 'skipped', skip_reason = 'x', skipped_at = now(), remaining_tasks = null",
        "status = 'completed', completed_at = now(), remaining_tasks = 0",
        "status = 'failed', failed_at = now()",
    ],
)
def test_a_late_call_archives_the_message_and_nothing_else(core: Core, change: str) -> None:
    run_id = started(core, "a", "b < a")
    core.run_sql(f"update pgflow.step_states set {change} where step_slug = 'a'")
    before = core.task(run_id, "a")
    assert len(core.queue("f")) == 1
    (row,) = core.complete_task(run_id, "a", 0, "late")
    assert row == before
    assert (len(core.queue("f")), len(core.archive("f"))) == (0, 1)
    assert core.step(run_id, "b").remaining_deps == 1
    assert core.run(run_id).remaining_steps == 2


def test_a_late_call_without_message(core: Core) -> None:
    run_id = started(core, "a")
    core.run_sql("update pgflow.step_tasks set message_id = null")
    core.run_sql(
        "update pgflow.step_states set status = 'completed', completed_at = now(), remaining_tasks = 0"
    )
    assert len(core.complete_task(run_id, "a", 0, 1)) == 1


def test_a_task_whose_message_is_gone(core: Core) -> None:
    run_id = started(core, "a")
    core.run_sql("select pgmq.purge_queue('f')")
    (row,) = core.complete_task(run_id, "a", 0, 1)
    assert row.status == "completed"
    assert core.run(run_id).status == "completed"


def test_unknown_tasks(core: Core) -> None:
    run_id = started(core, "a")
    assert core.complete_task(uuid4(), "a", 0, 1) == []
    assert core.complete_task(run_id, "nope", 0, 1) == []
    assert core.complete_task(run_id, "a", 1, 1) == []
    assert core.statuses(run_id) == {"a": "started"}


def test_completion_keeps_what_an_earlier_attempt_left(core: Core) -> None:
    run_id = started(core, "a", base_delay=0)
    core.fail_task(run_id, "a", 0, "first try")
    core.poll("f")
    (row,) = core.complete_task(run_id, "a", 0, 1)
    assert (row.status, row.attempts_count) == ("completed", 2)
    assert core.step(run_id, "a").error_message is None


def test_the_last_task_of_a_map_completes_it(core: Core) -> None:
    run_id = started(core, "m:map", "s < m", input=["x", "y", "z"])
    for index, left in ((2, 2), (0, 1)):
        core.complete_task(run_id, "m", index, index)
        step = core.step(run_id, "m")
        assert (step.status, step.remaining_tasks, step.output) == ("started", left, None)
        assert core.step(run_id, "s").remaining_deps == 1
    core.complete_task(run_id, "m", 1, 1)
    step = core.step(run_id, "m")
    assert (step.status, step.remaining_tasks, step.output) == ("completed", 0, [0, 1, 2])
    assert core.statuses(run_id)["s"] == "started"


def test_a_map_orders_by_number(core: Core) -> None:
    run_id = started(core, "m:map", input=list(range(25)))
    for index in sorted(range(25), key=str):
        core.complete_task(run_id, "m", index, index)
    assert core.step(run_id, "m").output == list(range(25))
