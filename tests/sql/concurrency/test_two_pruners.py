"""Two pruners at once: every worker calls one, so they must get out of each other's way."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.support.core import Core
from tests.support.invariants import assert_sound
from tests.support.sessions import Session

PRUNE = "select pgflow.prune_batch(interval '1 day', 10)"


@pytest.fixture(autouse=True)
def _sound_afterwards(live: Core) -> Iterator[None]:
    """What the sessions leave behind must be sound; events outlive their runs."""
    yield
    assert_sound(live, events=False)


@pytest.fixture
def first(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture
def second(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture
def ended(live: Core) -> list[UUID]:
    """Two ended runs, one of them old, with archived messages that are all old; a worker long gone."""
    live.flow("f", "a", "b")
    runs = [live.start_flow("f", number).run_id for number in range(2)]
    for _ in range(4):
        live.work("f", 1)
    live.run_sql("update pgmq.a_f set archived_at = now() - interval '2 days'")
    live.run_sql("update pgflow.workers set last_heartbeat_at = now() - interval '2 days'")
    live.run_sql(
        "update pgflow.runs set started_at = started_at - interval '2 days',"
        " completed_at = completed_at - interval '2 days' where run_id = %s",
        runs[0],
    )
    return runs


def test_two_pruners_pass_each_other_by(
    live: Core, first: Session, second: Session, ended: list[UUID]
) -> None:
    assert first.do(lambda core: core.value(PRUNE)) == 1
    assert second.do(lambda core: core.value(PRUNE)) == 0
    second.commit()
    first.commit()
    assert [row.run_id for row in live.rows("select run_id from pgflow.runs")] == ended[1:]
    assert live.archive("f") == []
    assert live.rows("select * from pgflow.workers") == []


def test_messages_that_somebody_holds_are_left_for_later(
    live: Core, first: Session, second: Session, ended: list[UUID]
) -> None:
    live.value(PRUNE.replace("1 day", "10 years"))
    live.run_sql("update pgflow.runs set completed_at = now()")
    first.do(lambda core: core.rows("select msg_id from pgmq.a_f order by msg_id limit 1 for update"))
    assert second.do(lambda core: core.value(PRUNE)) == 0
    second.commit()
    first.commit()
    assert len(live.archive("f")) == 1
    live.value(PRUNE)
    assert live.archive("f") == []


def test_pruning_all_waits_for_a_batch(
    live: Core, first: Session, second: Session, ended: list[UUID]
) -> None:
    first.do(lambda core: core.value(PRUNE))
    prune_all = "select pgflow.prune_data_older_than(interval '1 day')"
    future = second.blocked_or_done(lambda core: core.run_sql(prune_all))
    first.commit()
    future.result(timeout=30)
    second.commit()
    assert [row.run_id for row in live.rows("select run_id from pgflow.runs")] == ended[1:]
