"""What the database believes that workers are at."""

from __future__ import annotations

from uuid import UUID, uuid4

from tests.support.batch import claim_one, complete, register, release
from tests.support.core import Core


def held(core: Core, *workers: UUID) -> set[tuple[UUID, UUID, str, int, int]]:
    rows = core.rows("select * from pgflow.started_tasks(%s)", list(workers))
    return {(row.worker_id, row.run_id, row.step_slug, row.task_index, row.attempt) for row in rows}


def test_the_started_tasks_of_these_workers(core: Core) -> None:
    core.flow("f", "m:map")
    run = core.start_flow("f", [1, 2, 3])
    mine, other = register(core, "f"), register(core, "f")
    first, second, third = claim_one(core, mine, "f"), claim_one(core, mine, "f"), claim_one(core, other, "f")
    assert held(core, mine) == {(mine, run.run_id, "m", task.task_index, 1) for task in (first, second)}
    assert len(held(core, mine, other)) == 3
    complete(core, [first])
    release(core, [third])
    assert held(core, mine, other) == {(mine, run.run_id, "m", second.task_index, 1)}
    assert held(core, uuid4()) == set()
    assert held(core) == set()
