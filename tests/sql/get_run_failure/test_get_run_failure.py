"""Which task a run failed by."""

from __future__ import annotations

from uuid import UUID, uuid4

from tests.support.control import retry
from tests.support.core import Core


def failure(core: Core, run_id: UUID) -> list[tuple[str | None, int | None, str | None]]:
    return [tuple(row) for row in core.rows("select * from pgflow.get_run_failure(%s)", run_id)]


def test_the_task_that_failed_with_a_reason(core: Core) -> None:
    core.flow("f", "m:map", max_attempts=1)
    run = core.start_flow("f", [1, 2, 3])
    core.poll("f", 3)
    core.fail_task(run.run_id, "m", 2, "broken")
    assert failure(core, run.run_id) == [("m", 2, "broken")]


def test_no_row_while_nothing_failed(core: Core) -> None:
    core.flow("f", "a", max_attempts=2)
    run = core.start_flow("f", 1)
    core.poll("f")
    core.fail_task(run.run_id, "a", 0, "once")
    assert failure(core, run.run_id) == []
    assert failure(core, uuid4()) == []


def test_an_optional_step_that_failed_before_is_not_blamed(live: Core) -> None:
    live.flow("f", "a", "b", max_attempts=1)
    live.add_step("f", "c", [], max_attempts=1, when_exhausted="skip")
    run = live.start_flow("f", 1)
    live.poll("f", 3)
    live.fail_task(run.run_id, "c", 0, "tolerated, but first")
    assert failure(live, run.run_id) == []
    live.fail_task(run.run_id, "a", 0, "fatal")
    assert failure(live, run.run_id) == [("a", 0, "fatal")]


def test_neither_a_task_that_failed_along_with_the_culprit(live: Core) -> None:
    """They have the time of the batch, or an older one: that of a transaction which waited for the run."""
    live.flow("f", "m:map", max_attempts=2)
    run = live.start_flow("f", [1, 2, 3])
    worker = live.worker("f")
    live.poll("f", 3, worker_id=worker)
    live.call(
        "fail_tasks", worker_ids=[worker] * 3, run_ids=[run.run_id] * 3, step_slugs=["m"] * 3,
        task_indexes=[0, 1, 2], attempts=[1] * 3, error_messages=["again", "also", "fatal"],
        retryable=[True, True, False],
    )  # fmt: skip
    live.run_sql("update pgflow.step_tasks set failed_at = started_at where task_index = 0")
    assert failure(live, run.run_id) == [("m", 2, "fatal")]


def test_a_step_that_failed_by_its_condition(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "a", [], max_attempts=1, when_exhausted="skip")
    core.add_step("f", "b", ["a"], required_input_pattern={"a": 1}, when_unmet="fail")
    run = core.start_flow("f", 1)
    core.poll("f")
    core.fail_task(run.run_id, "a", 0, "tolerated")
    ((step_slug, task_index, message),) = failure(core, run.run_id)
    assert (step_slug, task_index, message) == ("b", None, core.step(run.run_id, "b").error_message)


def test_a_run_that_failed_by_itself(core: Core) -> None:
    core.flow("f", "a", max_attempts=1)
    run = core.start_flow("f", 1)
    core.run_sql(
        "update pgflow.runs set status = 'failed', failed_at = now(), error_message = 'timed out after 3 s'"
    )
    assert failure(core, run.run_id) == [(None, None, "timed out after 3 s")]


def test_neither_an_optional_map_when_the_run_ran_out_of_time(live: Core) -> None:
    live.flow("f", "a", max_attempts=1)
    live.add_step("f", "m", [], step_type="map", when_exhausted="skip-cascade")
    live.add_step("f", "b", ["m"])
    run = live.start_flow("f", [1, 2])
    live.poll("f", 3)
    live.fail_task(run.run_id, "m", 1, "tolerated")
    live.run_sql(
        "update pgflow.runs set status = 'failed', failed_at = now(), error_message = 'timed out after 3 s'"
    )
    assert failure(live, run.run_id) == [(None, None, "timed out after 3 s")]


def test_nor_a_failure_that_was_kept_as_a_value(live: Core) -> None:
    live.flow("f", "a", max_attempts=1)
    live.add_step("f", "v", [], max_attempts=1, when_exhausted="value")
    run = live.start_flow("f", 1)
    live.poll("f", 2)
    live.fail_task(run.run_id, "v", 0, "kept")
    assert failure(live, run.run_id) == []
    live.fail_task(run.run_id, "a", 0, "fatal")
    assert failure(live, run.run_id) == [("a", 0, "fatal")]


def test_nor_what_failed_the_run_before_it_was_retried(live: Core) -> None:
    live.flow("f", "a", "b", max_attempts=1)
    run = live.start_flow("f", 1)
    live.poll("f", 2)
    live.fail_task(run.run_id, "a", 0, "the first time")
    assert failure(live, run.run_id) == [("a", 0, "the first time")]
    assert retry(live, run.run_id) == ["retried"]
    assert failure(live, run.run_id) == []
    live.poll("f", 2)
    live.complete_task(run.run_id, "a", 0, 1)
    live.fail_task(run.run_id, "b", 0, "the second time")
    assert failure(live, run.run_id) == [("b", 0, "the second time")]
