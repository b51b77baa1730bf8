"""`locked_runs` and `lock_holders`: which runs somebody holds, and who that is."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.support.batch import claim_one, register
from tests.support.core import Core
from tests.support.sessions import Session

LOCKS = ("for no key update", "for update", "for share")


@pytest.fixture
def runs(live: Core) -> list[UUID]:
    live.flow("f", "a")
    return [live.start_flow("f").run_id for _ in range(3)]


@pytest.fixture
def holder(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


def locked(core: Core, runs: list[UUID]) -> set[UUID]:
    return {row.locked_runs for row in core.rows("select pgflow.locked_runs(%s)", runs)}


def holders(core: Core, runs: list[UUID]) -> set[int]:
    return {row.lock_holders for row in core.rows("select pgflow.lock_holders(%s)", runs)}


def hold(session: Session, run: UUID, how: str = LOCKS[0]) -> None:
    session.do(lambda core: core.rows(f"select 1 from pgflow.runs where run_id = %s {how}", run))


def test_nobody_holds_anything(live: Core, runs: list[UUID]) -> None:
    assert (locked(live, runs), holders(live, runs)) == (set(), set())
    assert (locked(live, []), holders(live, [])) == (set(), set())


@pytest.mark.parametrize("how", LOCKS)
def test_a_held_run(live: Core, runs: list[UUID], holder: Session, how: str) -> None:
    hold(holder, runs[1], how)
    assert locked(live, runs) == {runs[1]}
    assert locked(live, [runs[0], runs[2]]) == set()
    assert holders(live, runs) == {holder.pid}
    assert holders(live, [runs[0]]) == set()
    holder.rollback()
    assert (locked(live, runs), holders(live, runs)) == (set(), set())


def test_a_changed_run(live: Core, runs: list[UUID], holder: Session) -> None:
    holder.do(lambda core: core.run_sql("update pgflow.runs set remaining_steps = remaining_steps"))
    assert locked(live, runs) == set(runs)
    assert holders(live, runs) == {holder.pid}


def test_a_run_that_others_point_to_meanwhile(
    live: Core, live_dsn: str, runs: list[UUID], holder: Session
) -> None:
    """Whoever holds it shares the row with those whose rows refer to it."""
    hold(holder, runs[0])
    with Session(live_dsn) as other:
        hold(other, runs[0], "for key share")
        assert locked(live, runs) == {runs[0]}
        assert holders(live, runs) == {holder.pid}


def test_who_only_points_to_a_run_holds_up_nobody(live: Core, runs: list[UUID], holder: Session) -> None:
    hold(holder, runs[0], "for key share")
    assert (locked(live, runs), holders(live, runs)) == (set(), set())


def test_runs_that_were_held_long_ago(live: Core, runs: list[UUID], holder: Session) -> None:
    for how in (*LOCKS, "for key share"):
        hold(holder, runs[0], how)
        holder.commit()
    assert holders(live, runs) == set()


def test_runs_that_recovery_cannot_get_at(live: Core, runs: list[UUID], holder: Session) -> None:
    dead, alive = register(live, "f"), register(live, "f")
    tasks = [claim_one(live, worker, "f") for worker in (dead, dead, alive)]
    for task in tasks:
        hold(holder, task.run_id)
    assert stuck(live) == set()
    live.run_sql("update pgflow.workers set stopped_at = now() where worker_id = %s", dead)
    assert live.value("select pgflow.recover_stalled_tasks()") == 0
    assert stuck(live) == {task.run_id for task in tasks[:2]}
    holder.rollback()
    assert stuck(live) == set()
    assert live.value("select pgflow.recover_stalled_tasks()") == 2


def stuck(core: Core) -> set[UUID]:
    return {row.stuck_runs for row in core.rows("select pgflow.stuck_runs()")}
