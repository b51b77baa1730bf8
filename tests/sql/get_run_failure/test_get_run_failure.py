"""Which task a run failed by."""

from __future__ import annotations

from uuid import UUID, uuid4

from tests.support.core import Core


def failure(core: Core, run_id: UUID) -> list[tuple[str, int, str | None]]:
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


def test_the_first_one_counts(live: Core) -> None:
    live.flow("f", "a", "b", max_attempts=1)
    live.add_step("f", "c", [], max_attempts=1, when_exhausted="skip")
    run = live.start_flow("f", 1)
    live.poll("f", 3)
    live.fail_task(run.run_id, "c", 0, "tolerated, but first")
    live.fail_task(run.run_id, "a", 0, "fatal")
    assert failure(live, run.run_id) == [("c", 0, "tolerated, but first")]
