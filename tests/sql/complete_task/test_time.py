"""Transactions overlap: a later time is never written as an earlier one than the time it follows."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.batch import claim_one, complete, register, release
from tests.support.core import Connection, Core, connect


@pytest.fixture
def early(live_dsn: str) -> Iterator[Connection]:
    """A connection whose transaction began before everything else in the test."""
    with connect(live_dsn, autocommit=False) as connection:
        connection.execute("select 1")
        yield connection


@pytest.mark.parametrize("last", ["complete", "fail", "retry"])
def test_a_transaction_that_began_before_the_run(early: Connection, live_dsn: str, last: str) -> None:
    with connect(live_dsn) as later:
        other = Core(later)
        other.flow("f", "a", "b < a", max_attempts=3 if last == "retry" else 1)
        worker = other.worker("f", uuid4())
        run = other.start_flow("f")
    core = Core(early)
    (task,) = core.start_tasks("f", core.read("f"), worker)
    if last == "complete":
        core.complete_task(run.run_id, "a", 0, 1)
    else:
        core.fail_task(run.run_id, "a")
    early.commit()
    found = core.task(run.run_id, "a")
    assert found.status == {"complete": "completed", "fail": "failed", "retry": "queued"}[last]
    assert task.run_id == run.run_id


def test_a_worker_that_claims_in_a_transaction_older_than_its_attempt(
    early: Connection, live_dsn: str
) -> None:
    """Started in a later transaction, completed in the earlier one."""
    with connect(live_dsn) as later:
        other = Core(later)
        other.flow("f", "a")
        run = other.start_flow("f")
        other.poll("f")
    core = Core(early)
    (row,) = core.complete_task(run.run_id, "a", 0, 1)
    assert row.completed_at >= row.started_at
    early.commit()
    assert core.run(run.run_id).status == "completed"


def everything(core: Core, **options: str) -> None:
    """Flow `f`: what a completion of `a` can set off, in one flow."""
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "a", [], when_exhausted=options.get("exhausted", "fail"))
    core.add_step("f", "empty", ["a"], step_type="map")
    core.add_step("f", "next", ["a"])
    core.add_step(
        "f", "unmet", ["a"], required_input_pattern={"a": "never"}, when_unmet=options.get("unmet", "skip")
    )
    core.add_step("f", "behind", ["unmet"])


@pytest.mark.parametrize("unmet", ["skip", "skip-cascade", "fail"])
def test_whatever_a_completion_sets_off(early: Connection, live_dsn: str, unmet: str) -> None:
    with connect(live_dsn) as later:
        other = Core(later)
        everything(other, unmet=unmet)
        run = other.start_flow("f")
        other.poll("f")
    core = Core(early)
    core.complete_task(run.run_id, "a", 0, [])
    early.commit()
    expected = {"skip": "started", "skip-cascade": "started", "fail": "failed"}[unmet]
    assert core.run(run.run_id).status == expected


@pytest.mark.parametrize("exhausted", ["skip", "skip-cascade", "fail"])
def test_whatever_a_failure_sets_off(early: Connection, live_dsn: str, exhausted: str) -> None:
    with connect(live_dsn) as later:
        other = Core(later)
        everything(other, exhausted=exhausted)
        run = other.start_flow("f")
        other.poll("f")
    core = Core(early)
    core.fail_task(run.run_id, "a")
    early.commit()
    expected = {"skip": "started", "skip-cascade": "completed", "fail": "failed"}[exhausted]
    assert core.run(run.run_id).status == expected


def test_type_violation_release_and_recovery(early: Connection, live_dsn: str) -> None:
    with connect(live_dsn) as later:
        other = Core(later)
        everything(other)
        worker, second = register(other, "f"), register(other, "f")
        run = other.start_flow("f")
        task = claim_one(other, worker, "f")
    core = Core(early)
    assert release(core, [task]) == 1
    with core.connection.transaction():
        again = claim_one(core, worker, "f")
        core.run_sql("select pgflow.mark_worker_stopped(%s)", worker)
        assert core.value("select pgflow.recover_stalled_tasks()") == 1
    last = claim_one(core, second, "f")
    assert last.attempt == again.attempt + 1
    assert [row.outcome for row in complete(core, [last], ["no array"])] == ["failed"]
    early.commit()
    assert core.run(run.run_id).status == "failed"
