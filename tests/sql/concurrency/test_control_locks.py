"""Which locks control functions take: runs by ascending ids, and no table that others would wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, register
from tests.support.control import cancel, hold
from tests.support.core import Core
from tests.support.sessions import Session
from tests.support.steps_that_wait import add_signal, add_sleep

SENT = "select * from pgflow.send_signals(%s, array['s', 's'], array['1', '2']::jsonb[])"
KEYED = "select * from pgflow.send_signal_by_key('f', 's', 'k', '1')"
CALLS: dict[str, Callable[[Core, list[UUID]], object]] = {
    "cancel": lambda core, runs: core.call("cancel_runs", run_ids=runs),
    "retry": lambda core, runs: core.call("retry_runs", run_ids=runs, spread=60.0),
    "hold": lambda core, runs: core.call("hold_runs", run_ids=runs),
    "release": lambda core, runs: core.call("release_runs", run_ids=runs),
    "cancel where": lambda core, runs: core.call("cancel_runs_where", filter=Jsonb({})),
    "retry where": lambda core, runs: core.call("retry_runs_where", filter=Jsonb({})),
    "hold where": lambda core, runs: core.call("hold_runs_where", filter=Jsonb({})),
    "send": lambda core, runs: core.rows(SENT, runs),
    "send by key": lambda core, runs: core.rows(KEYED),
    "release where": lambda core, runs: core.call("release_runs_where", filter=Jsonb({})),
}


@pytest.fixture
def first(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


@pytest.fixture
def second(live_dsn: str) -> Iterator[Session]:
    with Session(live_dsn) as session:
        yield session


def started(live: Core, name: str) -> list[UUID]:
    """Two runs, by their ids, in a state in which the call changes them."""
    live.flow("f", "m:map", "b < m")
    add_signal(live, "f", "s", deadline=60, key=["0"])
    add_sleep(live, "f", "z", seconds=60)
    runs = sorted(live.start_flow("f", ["k", 2]).run_id for _ in range(2))
    claim(live, (register(live, "f"), "f"), max_tasks=2)
    if name.startswith("retry"):
        cancel(live, *runs)
    if name.startswith("release"):
        hold(live, *runs)
    return runs


@pytest.mark.parametrize("name", CALLS)
def test_runs_are_locked_by_their_ids(live: Core, first: Session, second: Session, name: str) -> None:
    """It waits for the lower one and does not have the higher one meanwhile, so two calls cannot deadlock."""
    low, high = started(live, name)
    first.do(lambda core: core.rows("select from pgflow.runs where run_id = %s for no key update", low))
    future = second.blocked_or_done(lambda core: CALLS[name](core, [high, low]))
    assert not future.done()
    assert live.rows("select pgflow.locked_runs(%s)", [high]) == []
    first.rollback()
    future.result(timeout=30)
    second.commit()


@pytest.mark.parametrize("name", [*CALLS, "fork"])
def test_no_table_is_locked(live: Core, first: Session, name: str) -> None:
    runs = started(live, name)
    call = CALLS.get(name) or (lambda core, ids: core.call("fork_run", run_id=ids[0], from_steps=["m"]))
    first.do(lambda core: call(core, runs))
    modes = live.rows(
        """select distinct l.relation::regclass::text as name, l.mode from pg_locks l
           where l.pid = %s and l.locktype = 'relation' and l.mode not in ('AccessShareLock', 'RowShareLock',
             'RowExclusiveLock')""",
        first.pid,
    )
    assert modes == []
    first.commit()


def test_a_fork_waits_for_nobody_but_its_source(live: Core, first: Session, second: Session) -> None:
    low, high = started(live, "fork")
    first.do(lambda core: core.rows("select from pgflow.runs where run_id = %s for no key update", low))
    second.do(lambda core: core.call("fork_run", run_id=high, from_steps=["m"]))
    second.commit()
    future = second.blocked_or_done(lambda core: core.call("fork_run", run_id=low, from_steps=["m"]))
    assert not future.done()
    first.commit()
    future.result(timeout=30)
    second.commit()
