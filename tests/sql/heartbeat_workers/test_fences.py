"""A heartbeat says which of the tasks that a worker is at count no more, and why; it waits for nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.batch import claim, claim_one, complete, fail, register, release
from tests.support.control import cancel, hold
from tests.support.core import Core, Row
from tests.support.sessions import Session


def beat(core: Core, worker: UUID, tasks: Sequence[Row]) -> tuple[list[int], list[str]]:
    """What a heartbeat of a worker that is at these tasks says of them."""
    row = core.row(
        "select * from pgflow.heartbeat_workers(%s, %s::uuid[], %s::text[], %s::int[], %s::int[])",
        [worker],
        [task.run_id for task in tasks],
        [task.step_slug for task in tasks],
        [task.task_index for task in tasks],
        [task.attempt for task in tasks],
    )
    assert row.worker_id == worker
    return row.lost, row.reasons


@pytest.fixture
def worker(core: Core) -> UUID:
    core.create_flow("f", base_delay=0, max_attempts=1)
    core.add_step("f", "a", when_exhausted="skip")
    core.add_step("f", "b")
    core.add_step("f", "m", step_type="map", when_exhausted="skip")
    return register(core, "f")


def test_without_tasks_nothing_is_lost(core: Core, worker: UUID) -> None:
    assert beat(core, worker, []) == ([], [])
    (row,) = core.call("heartbeat_workers", worker_ids=[worker])
    assert row == (worker, None, [], [])


def test_tasks_that_count_are_not_lost(core: Core, worker: UUID) -> None:
    core.start_flow("f", [1, 2])
    assert beat(core, worker, claim(core, (worker, "f"))) == ([], [])


def test_nor_those_of_a_held_run(core: Core, worker: UUID) -> None:
    run = core.start_flow("f", [1, 2])
    tasks = claim(core, (worker, "f"))
    hold(core, run.run_id)
    assert beat(core, worker, tasks) == ([], [])


def test_those_of_runs_that_have_ended(core: Core, worker: UUID) -> None:
    first, second, third = (core.start_flow("f", [1]).run_id for _ in range(3))
    tasks = claim(core, (worker, "f"))
    cancel(core, first)
    fail(core, [task for task in tasks if task.run_id == second and task.step_slug == "b"])
    for task in tasks:
        wanted = {first: ([1], ["run_cancelled"]), second: ([1], ["run_failed"]), third: ([], [])}
        assert beat(core, worker, [task]) == wanted[task.run_id]
    lost, _ = beat(core, worker, tasks)
    assert lost == [n for n, task in enumerate(tasks, 1) if task.run_id != third]


def test_those_of_a_step_that_was_skipped(core: Core, worker: UUID) -> None:
    core.start_flow("f", [1, 2])
    tasks = [task for task in claim(core, (worker, "f")) if task.step_slug == "m"]
    fail(core, tasks[:1])
    assert beat(core, worker, tasks) == ([1, 2], ["step_skipped", "step_skipped"])


def test_those_given_to_others(core: Core, worker: UUID) -> None:
    core.flow("g", "a")
    core.start_flow("g")
    core.call("register_worker", worker_id=worker, queue_name="g", function_name="g")
    mine = claim_one(core, worker, "g")
    release(core, [mine])
    assert beat(core, worker, [mine]) == ([1], ["other_attempt"])
    claim_one(core, register(core, "g"), "g")
    assert beat(core, worker, [mine]) == ([1], ["other_attempt"])


def test_those_completed(core: Core, worker: UUID) -> None:
    core.start_flow("f", [1, 2])
    tasks = sorted(claim(core, (worker, "f")), key=lambda task: (task.step_slug, task.task_index))
    complete(core, [task for task in tasks if task.step_slug in "ab" or task.task_index == 0])
    assert beat(core, worker, tasks) == (
        [1, 2, 3],
        ["step_completed", "step_completed", "other_attempt"],
    )


def test_those_of_pruned_runs(core: Core, worker: UUID) -> None:
    core.start_flow("f", [1])
    tasks = claim(core, (worker, "f"))
    assert beat(core, worker, [tasks[0]._replace(run_id=uuid4())]) == ([1], ["no_such_task"])


def test_several_workers_of_one_process(core: Core, worker: UUID) -> None:
    core.start_flow("f", [1])
    other = register(core, "f")
    tasks = claim(core, (worker, "f"))
    rows = core.call(
        "heartbeat_workers",
        worker_ids=[other, worker],
        run_ids=[task.run_id for task in tasks],
        step_slugs=[task.step_slug for task in tasks],
        task_indexes=[task.task_index for task in tasks],
        attempts=[task.attempt for task in tasks],
    )
    assert {row.worker_id for row in rows} == {worker, other}
    assert all((row.lost, row.reasons) == ([], []) for row in rows)


@pytest.mark.parametrize("missing", ["step_slugs", "task_indexes", "attempts"])
def test_arrays_of_other_lengths_are_refused(core: Core, worker: UUID, missing: str) -> None:
    given: dict[str, Any] = {"step_slugs": ["a"], "task_indexes": [0], "attempts": [1]}
    del given[missing]
    with core.refused(sqlstate="PF005"):
        core.call("heartbeat_workers", worker_ids=[worker], run_ids=[uuid4()], **given)


def test_it_waits_for_nobody(live: Core, live_dsn: str) -> None:
    live.flow("f", "a")
    run = live.start_flow("f")
    worker = register(live, "f")
    task = claim_one(live, worker, "f")
    with Session(live_dsn) as other:
        other.do(lambda core: cancel(core, run.run_id))
        assert beat(live, worker, [task]) == ([], [])
        other.commit()
    assert beat(live, worker, [task]) == ([1], ["run_cancelled"])
