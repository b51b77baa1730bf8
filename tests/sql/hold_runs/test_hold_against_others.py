"""Holding while others are at the same tasks: each is either begun or held, never lost."""

from __future__ import annotations

import pytest

from tests.support.batch import claim, register
from tests.support.control import hold, let_go
from tests.support.core import Core
from tests.support.invariants import assert_sound
from tests.support.sessions import Session


@pytest.fixture(autouse=True)
def _flow(live: Core) -> None:
    live.flow("f", "a", "b")


def test_what_a_worker_claims_meanwhile_is_begun(live: Core, live_dsn: str) -> None:
    run = live.start_flow("f").run_id
    worker = register(live, "f")
    with Session(live_dsn) as claimer, Session(live_dsn) as holder:
        (task,) = claimer.do(lambda core: claim(core, (worker, "f"), max_tasks=1))
        holding = holder.blocked_or_done(lambda core: hold(core, run))
        assert holder.waits()
        claimer.commit()
        assert holding.result(timeout=30) == ["held"]
        holder.commit()
    found = {row.step_slug: (row.status, row.waits_for) for row in live.tasks(run)}
    other = "b" if task.step_slug == "a" else "a"
    assert found == {task.step_slug: ("started", None), other: ("queued", "hold")}
    assert_sound(live)


def test_what_is_held_first_is_not_claimed(live: Core, live_dsn: str) -> None:
    run = live.start_flow("f").run_id
    worker = register(live, "f")
    with Session(live_dsn) as holder:
        holder.do(lambda core: hold(core, run))
        assert claim(live, (worker, "f")) == []
        holder.commit()
    assert claim(live, (worker, "f")) == []
    let_go(live, run)
    assert len(claim(live, (worker, "f"))) == 2


def test_a_claim_that_is_rolled_back_leaves_its_task_held(live: Core, live_dsn: str) -> None:
    run = live.start_flow("f").run_id
    worker = register(live, "f")
    with Session(live_dsn) as claimer, Session(live_dsn) as holder:
        claimer.do(lambda core: claim(core, (worker, "f")))
        holding = holder.blocked_or_done(lambda core: hold(core, run))
        claimer.rollback()
        assert holding.result(timeout=30) == ["held"]
        holder.commit()
    assert {task.waits_for for task in live.tasks(run)} == {"hold"}
    assert_sound(live)
