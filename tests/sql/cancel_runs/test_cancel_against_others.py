"""A cancel that meets a claim or a result: one waits for the other; the second sees the first."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests.support.batch import claim, complete, fail, register
from tests.support.control import cancel
from tests.support.core import Core
from tests.support.invariants import assert_sound
from tests.support.notifications import listening
from tests.support.sessions import Session


@pytest.fixture(autouse=True)
def _sound_afterwards(live: Core) -> Iterator[None]:
    yield
    assert_sound(live)


@pytest.fixture
def first(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture
def second(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture
def run_id(live: Core) -> UUID:
    live.flow("f", "m:map", "b < m", max_attempts=1)
    return live.start_flow("f", [1, 2, 3]).run_id  # type: ignore[no-any-return]


def test_a_claim_under_way_ends_first(live: Core, first: Session, second: Session, run_id: UUID) -> None:
    worker = register(live, "f")
    tasks = first.do(lambda core: claim(core, (worker, "f"), max_tasks=2))
    future = second.blocked_or_done(lambda core: cancel(core, run_id))
    assert not future.done()
    first.commit()
    assert future.result(timeout=30) == ["cancelled"]
    second.commit()
    assert [task.status for task in live.tasks(run_id)] == ["cancelled"] * 3
    assert [row.outcome for row in complete(live, tasks)] == ["stale"] * 2


def test_a_cancel_under_way_leaves_nothing_to_claim(
    live: Core, first: Session, second: Session, run_id: UUID
) -> None:
    worker = register(live, "f")
    first.do(lambda core: cancel(core, run_id))
    assert second.do(lambda core: claim(core, (worker, "f"))) == []
    second.commit()
    first.commit()


@pytest.mark.parametrize("result", [complete, fail])
def test_a_result_waits_for_the_cancel(
    live: Core, first: Session, second: Session, run_id: UUID, result: object
) -> None:
    tasks = claim(live, (register(live, "f"), "f"))
    first.do(lambda core: cancel(core, run_id))
    future = second.blocked_or_done(lambda core: result(core, tasks))  # type: ignore[operator]
    assert not future.done()
    first.commit()
    assert [row.outcome for row in future.result(timeout=30)] == ["stale"] * 3
    second.commit()
    assert live.run(run_id).status == "cancelled"


def test_the_cancel_waits_for_a_result(live: Core, first: Session, second: Session, run_id: UUID) -> None:
    tasks = claim(live, (register(live, "f"), "f"))
    first.do(lambda core: complete(core, tasks, [1, 2, 3]))
    future = second.blocked_or_done(lambda core: cancel(core, run_id))
    assert not future.done()
    first.commit()
    assert future.result(timeout=30) == ["cancelled"]
    second.commit()
    assert live.statuses(run_id) == {"m": "completed", "b": "cancelled"}


def test_two_cancels(live: Core, first: Session, second: Session, run_id: UUID) -> None:
    first.do(lambda core: cancel(core, run_id, reason="first"))
    future = second.blocked_or_done(lambda core: cancel(core, run_id, reason="second"))
    first.commit()
    assert future.result(timeout=30) == ["already_cancelled"]
    second.commit()
    assert live.run(run_id).cancel_reason == "first"


def test_workers_and_watchers_are_told(live: Core, live_dsn: str, run_id: UUID) -> None:
    watched = f"pgflow_run_{run_id.hex}"
    live.run_sql("select pgflow.watch_runs(%s, %s, 60)", uuid4(), [run_id])
    with listening(live_dsn, watched, "pgflow_control") as listener:
        claim(live, (register(live, "f"), "f"), max_tasks=1)
        listener.received()
        cancel(live, run_id)
        assert sorted(listener.received()) == [("pgflow_control", "f"), (watched, "")]


def test_workers_are_not_told_of_what_nobody_was_at(live: Core, live_dsn: str, run_id: UUID) -> None:
    with listening(live_dsn, "pgflow_control") as listener:
        cancel(live, run_id)
        assert listener.received() == []


def test_workers_are_told_of_a_failure_that_ends_tasks_of_others(
    live: Core, live_dsn: str, run_id: UUID
) -> None:
    tasks = claim(live, (register(live, "f"), "f"), max_tasks=2)
    with listening(live_dsn, "pgflow_control") as listener:
        fail(live, tasks[:1])
        assert listener.received() == [("pgflow_control", "f")]


def test_workers_are_not_told_of_a_failure_that_ends_nothing_else(
    live: Core, live_dsn: str, run_id: UUID
) -> None:
    tasks = claim(live, (register(live, "f"), "f"), max_tasks=1)
    with listening(live_dsn, "pgflow_control") as listener:
        fail(live, tasks)
        assert listener.received() == []
