"""What recovery reads: some of what is under way, all of a flow's when a worker died. Never what waits.

Rows are counted in committed and vacuumed tables: old versions of rows are read with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

import pytest

from tests.sql.recover_stalled_tasks.test_recover import PAST, heartbeat_ago, recover
from tests.support.batch import claim, fail, register
from tests.support.core import Core

RowsRead: TypeAlias = Callable[..., int]

WAITING = 3000
HELD = 20
TABLES = ("pgmq.q_f", "pgflow.step_tasks", "pgflow.runs", "pgflow.step_states", "pgflow.workers")


@pytest.fixture
def worker(live: Core) -> UUID:
    """Has some tasks in hand, while thousands wait: for a retry, for their start delay, for a free slot."""
    live.create_flow("f", timeout=100)
    live.add_step("f", "retried", step_type="map")
    live.add_step("f", "delayed", step_type="map", start_delay=3600)
    live.create_flow("g", timeout=100)
    worker = register(live, "f")
    live.start_flow("f", list(range(WAITING)))
    live.start_flow("g")
    tasks = claim(live, (worker, "f"), max_tasks=WAITING)
    assert len(tasks) == WAITING
    fail(live, tasks, retry_after=[3600] * WAITING)
    live.start_flow("f", list(range(WAITING)))
    assert len(claim(live, (worker, "f"), max_tasks=HELD)) == HELD
    return worker


@pytest.fixture
def rows_read(live: Core) -> RowsRead:
    """How many rows of the tables a call reads."""

    def measure(call: Callable[[], object], *, tables: Sequence[str] = TABLES) -> int:
        live.run_sql("vacuum analyze")
        with live.connection.transaction():
            before = sum(live.rows_read(table) for table in tables)
            call()
            return sum(live.rows_read(table) for table in tables) - before

    return measure


def test_nothing_of_what_waits_while_all_are_alive(live: Core, worker: UUID, rows_read: RowsRead) -> None:
    assert rows_read(lambda: recovered(live, 0)) < 10 * HELD


def test_nothing_of_what_waits_for_a_dead_worker(live: Core, worker: UUID, rows_read: RowsRead) -> None:
    heartbeat_ago(live, worker, 31)
    assert rows_read(lambda: recovered(live, HELD)) < 60 * HELD


def test_of_what_is_under_way_some_that_are_due_first(live: Core, worker: UUID, rows_read: RowsRead) -> None:
    assert len(claim(live, (worker, "f"), max_tasks=WAITING)) == WAITING - HELD
    old = f"update pgflow.step_tasks set queued_at = {PAST}, started_at = {PAST} where message_id = %s"
    first = "select msg_id from pgmq.q_f where read_ct > 0 order by vt limit 1"
    live.run_sql(old, live.value(first))
    assert WAITING > 2000
    assert rows_read(lambda: recovered(live, 1), tables=["pgflow.step_tasks"]) < 2.2 * 2000


def test_workers_that_died_long_ago_are_not_looked_at_again(
    live: Core, worker: UUID, rows_read: RowsRead
) -> None:
    live.run_sql(
        """insert into pgflow.workers (worker_id, queue_name, function_name, last_heartbeat_at, beats)
           select gen_random_uuid(), 'f', 'dead', now() - interval '1 hour', true
           from generate_series(1, 500)"""
    )
    recovered(live, 0)
    live.run_sql("update pgflow.workers set died_at = now() - interval '2 minutes' where died_at is not null")
    recovered(live, 0)
    assert live.value("select count(*) from pgflow.workers where recovered_at is not null") == 500
    assert rows_read(lambda: recovered(live, 0)) < 10 * HELD


def test_deleting_dead_workers_reads_no_task(live: Core, worker: UUID, rows_read: RowsRead) -> None:
    live.run_sql("update pgflow.workers set last_heartbeat_at = now() - interval '9 days'")
    prune = "select pgflow.prune_batch(interval '1 day', 100)"
    assert rows_read(lambda: live.value(prune), tables=["pgflow.step_tasks"]) == 0
    assert live.value("select count(*) from pgflow.workers") == 0


def test_what_a_worker_holds_is_found_among_what_is_under_way(
    live: Core, worker: UUID, rows_read: RowsRead
) -> None:
    held = "select * from pgflow.started_tasks(%s)"
    assert rows_read(lambda: live.rows(held, [worker])) < 10 * HELD
    assert len(live.rows(held, [worker])) == HELD


def recovered(live: Core, count: int) -> None:
    assert recover(live) == count
