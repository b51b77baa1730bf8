"""Nobody can make a row whose run, flow or step is gone, whoever comes first; no foreign key sees to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from psycopg import errors

from tests.support.batch import claim, complete, register
from tests.support.core import Core
from tests.support.invariants import assert_sound
from tests.support.sessions import Session

DELETE = "select pgflow.delete_flow_and_data('f')"


@pytest.fixture
def first(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture
def second(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture(autouse=True)
def _sound_afterwards(live: Core) -> Iterator[None]:
    yield
    assert_sound(live, events=False)


def start(core: Core) -> None:
    core.start_flow("f")


def start_with_states(core: Core) -> None:
    core.rows("select * from pgflow.start_flow_with_states('f', '1')")


def fork(core: Core) -> None:
    run_id = core.value("select run_id from pgflow.runs where flow_slug = 'f' order by run_id limit 1")
    core.call("fork_run", run_id=run_id, from_steps=["a"])


WRITERS = [start, start_with_states, fork]


@pytest.mark.parametrize("write", WRITERS)
def test_a_flow_is_deleted_with_the_run_that_was_just_being_started(
    live: Core, first: Session, second: Session, write: Callable[[Core], None]
) -> None:
    live.flow("f", "a", "b < a")
    live.start_flow("f")
    first.do(write)
    deleted = second.blocked_or_done(lambda core: core.value(DELETE))
    assert second.waits()
    first.commit()
    deleted.result(timeout=30)
    second.commit()
    assert live.rows("select * from pgflow.runs") == []


@pytest.mark.parametrize("write", WRITERS)
def test_a_run_is_not_started_of_a_flow_that_was_just_being_deleted(
    live: Core, first: Session, second: Session, write: Callable[[Core], None]
) -> None:
    live.flow("f", "a", "b < a")
    live.start_flow("f")
    first.do(lambda core: core.value(DELETE))
    started = second.blocked_or_done(write)
    assert second.waits()
    first.commit()
    with pytest.raises(errors.Error):
        started.result(timeout=30)
    second.rollback()
    assert live.rows("select * from pgflow.runs") == []


def test_a_step_is_not_moved_on_while_its_flow_is_deleted(
    live: Core, first: Session, second: Session
) -> None:
    live.flow("f", "a", "b < a")
    live.start_flow("f")
    tasks = claim(live, (register(live, "f"), "f"))
    first.do(lambda core: complete(core, tasks))
    deleted = second.blocked_or_done(lambda core: core.value(DELETE))
    assert second.waits()
    first.commit()
    deleted.result(timeout=30)
    second.commit()
    assert live.rows("select * from pgflow.step_tasks") == []


def test_a_result_that_comes_after_its_flow_is_deleted_changes_nothing(
    live: Core, first: Session, second: Session
) -> None:
    live.flow("f", "a", "b < a")
    live.start_flow("f")
    tasks = claim(live, (register(live, "f"), "f"))
    first.do(lambda core: core.value(DELETE))
    completed = second.blocked_or_done(lambda core: complete(core, tasks))
    first.commit()
    completed.result(timeout=30)
    second.commit()
    assert live.rows("select * from pgflow.step_tasks") == []
