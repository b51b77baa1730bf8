"""Transactions overlap: a later time is never written as an earlier one than the time it follows."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

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
