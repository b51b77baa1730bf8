"""`complete_tasks` completes many tasks of many runs in one call, fenced by worker and attempt."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.batch import changed, claim, claim_one, complete, register, release
from tests.support.core import SQL_NULL, Core, Row


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


def claimed(core: Core, worker: UUID, *steps: str, input: Any = None, **options: int) -> list[Row]:
    core.flow("f", *steps, **options)
    core.start_flow("f", input)
    return claim(core, (worker, "f"))


def test_usual_completions_return_nothing(core: Core, worker: UUID) -> None:
    tasks = claimed(core, worker, "a", "b", "c < a b")
    run_id = tasks[0].run_id
    assert complete(core, tasks, [{"of": task.step_slug} for task in tasks]) == []
    assert core.statuses(run_id) == {"a": "completed", "b": "completed", "c": "started"}
    step = core.step(run_id, "c")
    assert (step.remaining_deps, step.remaining_tasks) == (0, 1)
    (child,) = claim(core, (worker, "f"))
    assert child.input == {"a": {"of": "a"}, "b": {"of": "b"}}
    assert complete(core, [child], [5]) == []
    assert core.run(run_id).output == {"c": 5}
    assert core.queue("f") == []
    assert len(core.archive("f")) == 3


def test_nothing_to_complete(core: Core) -> None:
    assert complete(core, []) == []


def test_a_whole_map(core: Core, worker: UUID) -> None:
    tasks = claimed(core, worker, "m:map", "s < m", input=list(range(30)))
    shuffled = sorted(tasks, key=lambda task: str(task.task_index))
    assert complete(core, shuffled, [task.input * 10 for task in shuffled]) == []
    run_id = tasks[0].run_id
    step = core.step(run_id, "m")
    assert (step.status, step.remaining_tasks) == ("completed", 0)
    assert step.output == [n * 10 for n in range(30)]
    assert core.statuses(run_id)["s"] == "started"
    assert [event.event for event in core.events(run_id, "step:completed")] == ["step:m:completed"]


def test_a_part_of_a_map(core: Core, worker: UUID) -> None:
    tasks = claimed(core, worker, "m:map", input=[1, 2, 3])
    complete(core, tasks[:2])
    step = core.step(tasks[0].run_id, "m")
    assert (step.status, step.remaining_tasks) == ("started", 1)
    assert core.events(event_type="step:completed") == []


def test_many_runs_of_many_flows(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a")
    core.flow("g", "m:map")
    runs = [core.start_flow("f"), core.start_flow("f"), core.start_flow("g", [1, 2])]
    tasks = claim(core, (worker, "f"), (register(core, "g"), "g"))
    assert len(tasks) == 4
    assert complete(core, tasks) == []
    assert [core.statuses(run.run_id) for run in runs] == [
        {"a": "completed", "b": "started"}, {"a": "completed", "b": "started"}, {"m": "completed"},
    ]  # fmt: skip
    assert core.run(runs[2].run_id).output == {"m": [None, None]}


def test_sql_null_outputs(core: Core, worker: UUID) -> None:
    tasks = claimed(core, worker, "m:map", input=[1, 2])
    complete(core, tasks, [SQL_NULL, None])
    assert core.run(tasks[0].run_id).output == {"m": [None, None]}


def test_empty_map_behind_a_step(core: Core, worker: UUID) -> None:
    (task,) = claimed(core, worker, "a", "m:map < a", "n:map < m")
    complete(core, [task], [[]])
    assert core.run(task.run_id).output == {"n": []}


class TestFence:
    def test_another_worker(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a")
        before = core.task(task.run_id, "a")
        other = register(core, "f")
        (row,) = complete(core, [changed(task, worker_id=other)], [1])
        assert (row.outcome, row.run_id, row.step_slug, row.task_index) == ("stale", task.run_id, "a", 0)
        assert row.input is None
        assert (row.worker_id, row.attempt) == (other, 1)
        assert core.task(task.run_id, "a") == before
        assert len(core.queue("f")) == 1

    @pytest.mark.parametrize("attempt", [0, 2])
    def test_another_attempt(self, core: Core, worker: UUID, attempt: int) -> None:
        (task,) = claimed(core, worker, "a")
        (row,) = complete(core, [changed(task, attempt=attempt)], [1])
        assert row.outcome == "stale"
        assert core.task(task.run_id, "a").status == "started"

    def test_a_task_that_went_back(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a")
        release(core, [task])
        (row,) = complete(core, [task], [1])
        assert row.outcome == "stale"
        stored = core.task(task.run_id, "a")
        assert (stored.status, stored.output) == ("queued", None)
        assert len(core.read("f")) == 1

    def test_a_completed_task(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "a", "b")
        complete(core, tasks[:1], ["first"])
        (row,) = complete(core, tasks[:1], ["second"])
        assert row.outcome == "stale"
        assert core.task(row.run_id, "a").output == "first"

    def test_the_same_task_twice_in_a_call(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "m:map", input=[1, 2])
        (row,) = complete(core, [tasks[0], tasks[0]], ["x", "x"])
        assert row.outcome == "stale"
        assert core.step(row.run_id, "m").remaining_tasks == 1

    def test_an_unknown_task(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a")
        rows = complete(
            core,
            [changed(task, run_id=uuid4()), changed(task, step_slug="no"), changed(task, task_index=9)],
        )
        assert [row.outcome for row in rows] == ["stale"] * 3
        assert core.task(task.run_id, "a").status == "started"

    def test_a_task_of_a_failed_run(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "a", "b", max_attempts=1)
        core.fail_task(tasks[0].run_id, "b")
        (row,) = complete(core, [task for task in tasks if task.step_slug == "a"], [1])
        assert (row.outcome, row.input) == ("stale", "the run has failed")
        stored = core.task(row.run_id, "a")
        assert (stored.status, stored.output) == ("started", None)

    def test_a_task_of_a_skipped_step(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "a", "b")
        core.run_sql("select pgflow._cascade_force_skip_steps(%s, 'a', 'x')", tasks[0].run_id)
        (row,) = complete(core, [task for task in tasks if task.step_slug == "a"], [1])
        assert (row.outcome, row.input) == ("stale", "the step was skipped")
        assert core.statuses(row.run_id) == {"a": "skipped", "b": "started"}

    def test_only_the_refused_ones_are_reported(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "m:map", input=[1, 2, 3])
        rows = complete(core, [tasks[0], changed(tasks[1], attempt=5), tasks[2]])
        assert [(row.outcome, row.task_index) for row in rows] == [("stale", 1)]
        assert core.step(tasks[0].run_id, "m").remaining_tasks == 1


class TestTypeViolation:
    def test_is_reported(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", "m:map < a")
        (row,) = complete(core, [task], [{"no": "array"}])
        assert (row.outcome, row.run_id, row.step_slug) == ("failed", task.run_id, "a")
        assert core.run(task.run_id).status == "failed"
        assert core.task(task.run_id, "a").output == {"no": "array"}
        assert core.queue("f") == []

    def test_other_runs_of_the_call_complete(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "m:map < a")
        good, bad = core.start_flow("f", 1), core.start_flow("f", 2)
        tasks = claim(core, (worker, "f"))
        outputs: list[Any] = [[] if task.run_id == good.run_id else 5 for task in tasks]
        (row,) = complete(core, tasks, outputs)
        assert (row.outcome, row.run_id) == ("failed", bad.run_id)
        assert core.run(good.run_id).output == {"m": []}

    def test_another_task_of_the_run_in_the_same_call(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "a", "b", "m:map < a")
        rows = complete(core, sorted(tasks, key=lambda task: str(task.step_slug)), [5, 6])
        assert "failed" in {row.outcome for row in rows}
        run = core.run(tasks[0].run_id)
        assert (run.status, run.output) == ("failed", None)
        assert core.queue("f") == []
        assert len(core.events(event_type="run:failed")) == 1


class TestHandOver:
    def test_what_became_ready_is_claimed_at_once(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", "b < a", input={"x": 1}, timeout=50)
        before = core.clock().timestamp()
        (row,) = complete(core, [task], [7], hand_over=5)
        after = core.clock().timestamp()
        assert (row.outcome, row.run_id, row.step_slug) == ("claimed", task.run_id, "b")
        assert (row.worker_id, row.attempt, row.input) == (worker, 1, {"a": 7})
        assert (row.timeout, row.flow_input, row.started_at) == (50, None, core.now())
        stored = core.task(task.run_id, "b")
        assert (stored.status, stored.attempts_count, stored.last_worker_id) == ("started", 1, worker)
        (message,) = core.queue("f")
        assert message.msg_id == row.msg_id == stored.message_id
        assert message.message["step_slug"] == "b"
        assert before - 0.001 <= message.vt.timestamp() - 52 <= after + 0.001
        assert complete(core, [row], [8]) == []
        assert core.run(task.run_id).output == {"b": 8}

    def test_off_by_default(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", "b < a")
        assert complete(core, [task]) == []
        assert core.task(task.run_id, "b").status == "queued"
        assert len(core.read("f")) == 1

    @pytest.mark.parametrize("limit", [1, 2, 5, 9])
    def test_up_to_the_limit(self, core: Core, worker: UUID, limit: int) -> None:
        (task,) = claimed(core, worker, "a", "m:map < a")
        rows = complete(core, [task], [[1, 2, 3, 4, 5]], hand_over=limit)
        assert len(rows) == min(limit, 5)
        assert {row.input for row in rows} <= {1, 2, 3, 4, 5}
        assert len({row.task_index for row in rows}) == len(rows)
        rest = claim(core, (worker, "f"))
        assert len(rest) == 5 - len(rows)
        assert complete(core, rows + rest, [row.input for row in rows + rest]) == []
        assert core.run(task.run_id).output == {"m": [1, 2, 3, 4, 5]}

    def test_the_events_are_the_same(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", "b < a", "c < a")
        core.clear_events()
        complete(core, [task], hand_over=1)
        assert core.event_names() == ["step:a:completed", "step:b:started", "step:c:started"]

    def test_no_delayed_steps(self, core: Core, worker: UUID) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "late", ["a"], start_delay=100)
        core.add_step("f", "now", ["a"], start_delay=0)
        core.start_flow("f")
        task = claim_one(core, worker, "f")
        assert [row.step_slug for row in complete(core, [task], hand_over=9)] == ["now"]
        assert core.task(task.run_id, "late").status == "queued"

    def test_the_input_of_the_run_for_those_who_want_it(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", "b < a", "c < a", input={"x": 1})
        rows = complete(core, [task], hand_over=9, flow_input_steps=["f.b"])
        assert {row.step_slug: row.flow_input for row in rows} == {"b": {"x": 1}, "c": None}

    def test_only_what_this_call_made_ready(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "b < a", "waiting")
        core.start_flow("f")
        tasks = {task.step_slug: task for task in claim(core, (worker, "f"))}
        release(core, [tasks["waiting"]])
        assert [row.step_slug for row in complete(core, [tasks["a"]], hand_over=9)] == ["b"]

    def test_each_worker_gets_what_it_made_ready(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "b < a")
        core.flow("g", "a", "b < a")
        core.start_flow("f")
        core.start_flow("g")
        other = register(core, "g")
        tasks = claim(core, (worker, "f"), (other, "g"))
        rows = complete(core, tasks, hand_over=9)
        assert {(row.flow_slug, row.worker_id) for row in rows} == {("f", worker), ("g", other)}

    def test_refused_tasks_hand_over_nothing(self, core: Core, worker: UUID) -> None:
        (task,) = claimed(core, worker, "a", "b < a")
        rows = complete(core, [changed(task, attempt=3)], hand_over=9)
        assert [row.outcome for row in rows] == ["stale"]

    def test_a_child_of_two_parents_is_handed_over_once(self, core: Core, worker: UUID) -> None:
        tasks = claimed(core, worker, "a", "b", "c < a b")
        assert [row.step_slug for row in complete(core, tasks, hand_over=9)] == ["c"]


@pytest.mark.parametrize("column", range(6))
def test_arrays_of_different_length(core: Core, worker: UUID, column: int) -> None:
    (task,) = claimed(core, worker, "a")
    arrays: list[list[Any]] = [[worker], [task.run_id], ["a"], [0], [1], ["1"]]
    arrays[column] = []
    with core.refused(sqlstate="PF005"):
        core.rows(
            "select * from pgflow.complete_tasks(%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[], "
            "%s::jsonb[])",
            *arrays,
        )
    assert core.task(task.run_id, "a").status == "started"
