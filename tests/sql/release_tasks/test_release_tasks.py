"""`release_tasks` gives claimed tasks back as if they had not been claimed."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.batch import changed, claim, claim_one, complete, fail, register, release
from tests.support.core import Core


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


def test_back_to_the_queue(core: Core, worker: UUID) -> None:
    core.flow("f", "a", max_attempts=1)
    run = core.start_flow("f")
    task = claim_one(core, worker, "f")
    core.clear_events()
    assert release(core, [task]) == 1
    stored = core.task(run.run_id, "a")
    assert (stored.status, stored.attempts_count, stored.started_at) == ("queued", 0, None)
    assert core.events() == []
    again = claim_one(core, register(core, "f"), "f")
    assert (again.attempt, again.msg_id) == (1, task.msg_id)
    assert complete(core, [again], [1]) == []
    assert core.run(run.run_id).output == {"a": 1}


def test_earlier_attempts_count(core: Core, worker: UUID) -> None:
    core.flow("f", "a", base_delay=0)
    run = core.start_flow("f")
    fail(core, [claim_one(core, worker, "f")], ["first"])
    task = claim_one(core, worker, "f")
    assert task.attempt == 2
    release(core, [task])
    assert core.task(run.run_id, "a").attempts_count == 1


def test_several(core: Core, worker: UUID) -> None:
    core.flow("f", "m:map")
    core.start_flow("f", [1, 2, 3])
    tasks = claim(core, (worker, "f"))
    assert release(core, [tasks[0], tasks[2]]) == 2
    assert [task.task_index for task in claim(core, (worker, "f"))] == [0, 2]


def test_fence(core: Core, worker: UUID) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    task = claim_one(core, worker, "f")
    assert release(core, [changed(task, worker_id=register(core, "f"))]) == 0
    assert release(core, [changed(task, attempt=2)]) == 0
    assert core.task(run.run_id, "a").status == "started"
    assert release(core, [task, task]) == 1
    assert release(core, [task]) == 0
    assert core.task(run.run_id, "a").attempts_count == 0


def test_finished_tasks_stay_finished(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b")
    run = core.start_flow("f")
    task = claim_one(core, worker, "f")
    complete(core, [task], [1])
    assert release(core, [task]) == 0
    assert core.task(run.run_id, "a").status == "completed"


def test_nothing_to_release(core: Core) -> None:
    assert release(core, []) == 0


def test_arrays_of_different_length(core: Core, worker: UUID) -> None:
    with core.refused(sqlstate="PF005"):
        core.rows("select pgflow.release_tasks(array[%s]::uuid[], '{}', '{}', '{}', '{}')", worker)
