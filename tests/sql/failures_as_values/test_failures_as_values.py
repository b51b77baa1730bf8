"""``when_exhausted => 'value'``: the failure of a task takes the place of its output, its step goes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.batch import claim, complete, fail, register
from tests.support.core import Core, Row


def failed(error: str, step: str, index: int = 0, attempts: int = 1) -> dict[str, Any]:
    return {"$failed": {"error": error, "step": step, "index": index, "attempts": attempts}}


@pytest.fixture
def lenient(core: Core) -> Core:
    """numbers -> halves (a map whose failures are values) -> total."""
    core.create_flow("f", max_attempts=1, base_delay=0)
    core.add_step("f", "numbers")
    core.add_step("f", "halves", ["numbers"], step_type="map", when_exhausted="value")
    core.add_step("f", "total", ["halves"])
    return core


def halves(core: Core, numbers: list[int]) -> list[Row]:
    """The claimed tasks of the map, of a new run."""
    core.start_flow("f", {})
    worker = register(core, "f")
    complete(core, claim(core, (worker, "f")), [numbers])
    return claim(core, (worker, "f"))


def test_a_failed_single_step_goes_on_with_its_failure(core: Core) -> None:
    core.create_flow("f", max_attempts=2, base_delay=0)
    core.add_step("f", "charge", when_exhausted="value")
    core.add_step("f", "ship", ["charge"])
    run = core.start_flow("f", {})
    worker = register(core, "f")
    (first,) = fail(core, claim(core, (worker, "f")), ["no"])
    (second,) = fail(core, claim(core, (worker, "f")), ["no again\nat line 7"])
    assert (first.outcome, second.outcome) == ("retried", "tolerated")
    task = core.task(run.run_id, "charge")
    assert (task.status, task.is_tolerated, task.error_message) == ("completed", True, "no again\nat line 7")
    assert [entry["error"] for entry in task.attempt_errors] == ["no", "no again\nat line 7"]
    (ship,) = claim(core, (worker, "f"))
    assert ship.input == {"charge": failed("no again", "charge", attempts=2)}
    complete(core, [ship], ["shipped"])
    assert core.run(run.run_id).status == "completed"


def test_one_bad_element_does_not_sink_its_map(lenient: Core) -> None:
    tasks = halves(lenient, [2, 3, 4])
    assert [row.outcome for row in fail(lenient, tasks[1:2], ["odd"])] == ["tolerated"]
    complete(lenient, [tasks[0], tasks[2]], [1, 2])
    wanted = [1, failed("odd", "halves", 1), 2]
    assert lenient.step(tasks[0].run_id, "halves").output == wanted
    assert claim(lenient, (tasks[0].worker_id, "f"))[0].input == {"halves": wanted}
    (counts,) = [
        row for row in lenient.call("count_tasks", run_id=tasks[0].run_id) if row.step_slug == "halves"
    ]
    assert (counts.completed, counts.tolerated, counts.failed) == (3, 1, 0)


def test_all_elements_may_fail_in_one_call(lenient: Core) -> None:
    tasks = halves(lenient, [1, 3])
    fail(lenient, tasks, ["first", "second"])
    assert lenient.statuses(tasks[0].run_id) == {
        "numbers": "completed",
        "halves": "completed",
        "total": "started",
    }
    assert len(lenient.queue("f")) == 1


def test_the_value_holds_the_first_line_only_and_little_of_it(lenient: Core) -> None:
    (task,) = halves(lenient, [1])
    fail(lenient, [task], ["x" * 700 + "\nmore"])
    (value,) = lenient.step(task.run_id, "halves").output
    assert value["$failed"]["error"] == "x" * 500
    assert lenient.task(task.run_id, "halves").error_message == "x" * 700 + "\nmore"


def test_a_failure_without_a_word(lenient: Core) -> None:
    (task,) = halves(lenient, [1])
    fail(lenient, [task], [None])
    assert lenient.step(task.run_id, "halves").output == [failed("", "halves")]


def test_what_ends_the_run_ends_its_tolerated_tasks_with_it(core: Core) -> None:
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "strict")
    core.add_step("f", "lenient", when_exhausted="value")
    run = core.start_flow("f", {})
    tasks = claim(core, (register(core, "f"), "f"))
    assert {row.outcome for row in fail(core, tasks)} == {"failed"}
    assert {task.status for task in core.tasks(run.run_id)} == {"failed"}
    assert core.queue("f") == []


def test_a_condition_that_fails_the_run_in_the_same_call(core: Core) -> None:
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "optional", when_exhausted="skip")
    core.add_step("f", "lenient", when_exhausted="value")
    core.run_sql(
        """select pgflow.add_step('f', 'demanding', array['optional'],
             required_input_pattern => '{"optional": 1}', when_unmet => 'fail')"""
    )
    run = core.start_flow("f", {})
    fail(core, claim(core, (register(core, "f"), "f")))
    assert core.run(run.run_id).status == "failed"
    assert core.task(run.run_id, "lenient").status == "failed"
    assert core.queue("f") == []


def test_a_retried_run_keeps_the_failures_it_was_content_with(core: Core) -> None:
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "lenient", when_exhausted="value")
    core.add_step("f", "strict")
    run = core.start_flow("f", {})
    worker = register(core, "f")
    tasks = {task.step_slug: task for task in claim(core, (worker, "f"))}
    fail(core, [tasks["lenient"]], ["no"])
    fail(core, [tasks["strict"]], ["no"])
    assert core.run(run.run_id).status == "failed"
    core.call("retry_runs", run_ids=[run.run_id])
    assert [task.step_slug for task in claim(core, (worker, "f"))] == ["strict"]
    assert core.step(run.run_id, "lenient").output == failed("no", "lenient")


def test_outputs_that_are_too_large_together_fail_the_map(lenient: Core) -> None:
    """Each is small, so that nothing but their sum is at fault."""
    tasks = halves(lenient, [0] * 1_700)
    lenient.run_sql(
        """update pgflow.step_tasks
           set status = 'completed', started_at = now(), completed_at = now(),
             output = to_jsonb(repeat('x', 65000))
           where step_slug = 'halves' and task_index > 0"""
    )
    lenient.run_sql("update pgflow.step_states set remaining_tasks = 1 where step_slug = 'halves'")
    complete(lenient, tasks[:1], ["x" * 65_000])
    (run,) = lenient.rows("select * from pgflow.runs")
    assert run.status == "failed"
    assert run.error_message.startswith(
        'OutputTooLarge: the outputs of the tasks of step "halves" take 110,503,400 bytes of JSON together'
    )
    assert {task.status for task in lenient.tasks(run.run_id, "halves")} == {"failed"}
    lenient.call("retry_runs", run_ids=[run.run_id])
    assert lenient.step(run.run_id, "halves").remaining_tasks == 1_700


def test_many_small_outputs_are_no_trouble(lenient: Core) -> None:
    tasks = halves(lenient, [0] * 1_700)
    run_id = tasks[0].run_id
    while tasks:
        complete(lenient, tasks, ["x" * 1_000] * len(tasks))
        tasks = [task for task in claim(lenient, (tasks[0].worker_id, "f")) if task.step_slug == "halves"]
    assert lenient.step(run_id, "halves").status == "completed"
