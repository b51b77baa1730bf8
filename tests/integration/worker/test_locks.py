"""Others hold what a worker needs: it goes on with the rest, and ends sessions that will not let go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from pgflow_runtime.worker.dispatch.core_connection import CoreConnection
from pgflow_runtime.worker.dispatch.holders import Holders
from pgflow_runtime.worker.maintenance.release import Release
from pgflow_runtime.worker.tasks.connections import HandlerConnections
from tests.support.server import name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

HOLD = "select 1 from pgflow.runs where run_id = %s for update"


def test_a_batch_goes_on_without_the_run_that_somebody_holds(lab: Lab) -> None:
    order = {"folder": str(lab.folder), "name": "a"}
    with lab.worker("held", "chain", max_concurrent="20", batch_size="20") as worker:
        held, *others = [lab.start("held", order) for _ in range(12)]
        started = "select 1 from pgflow.step_tasks where status = 'started'"
        eventually(lambda: len(lab.sql(started)) == 12)
        with psycopg.connect(lab.dsn) as connection:
            connection.execute(HOLD, [held])
            lab.let_go("a.go")
            assert [lab.completed(run) for run in others] == [{"hold": 1}] * 11
            assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
            worker.until_logged("outcome is held up")
            assert worker.log.count("outcome is held up") < 11
            assert lab.run(held)["status"] == "started"
        assert lab.completed(held) == {"hold": 1}
        task = lab.task(held)
        assert (task["attempts_count"], task["requeued_count"]) == (1, 0)
        assert worker.stop() == 0


def test_failures_go_on_without_it_too(lab: Lab) -> None:
    with lab.worker("steer", "tight", max_concurrent="20", batch_size="20") as worker:
        order = {"folder": str(lab.folder), "name": "late", "mode": "stubborn"}
        held, *others = [lab.start("tight", order) for _ in range(5)]
        lab.begun("late.begun")
        with psycopg.connect(lab.dsn) as connection:
            connection.execute(HOLD, [held])
            for run in others:
                assert lab.ended(run)["status"] == "failed"
            assert lab.run(held)["status"] == "started"
        assert "TimeoutError" in lab.failed(held)
        lab.let_go("late.go")
        assert worker.stop() == 0


def test_rows_that_are_not_runs_keep_nobody(lab: Lab) -> None:
    """Somebody holds the workers' rows, the announcements and the flows, and does nothing."""
    with lab.worker("chain", "steer") as worker, psycopg.connect(lab.dsn) as connection:
        lab.until_idle("chain")
        for table in ("workers", "announcements", "prepared_flows", "flows", "steps"):
            connection.execute(f"select 1 from pgflow.{table} for no key update".encode())
        runs = [lab.start("chain", n) for n in range(3)]
        steered = lab.start("steer", {"what": "late success"})
        for n, run in enumerate(runs):
            assert lab.completed(run) == {"third": [n + 1, (n + 1) * 10]}
        assert lab.completed(steered) == {"obey": {"attempt": 2}}
        connection.rollback()
        assert worker.stop() == 0


def _limit(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    (row,) = connection.execute("show idle_in_transaction_session_timeout").fetchall()
    connection.rollback()
    return row[0]


def test_a_handlers_transaction_is_left_open_no_longer_than_its_task_may_take(lab: Lab) -> None:
    """And half a minute more; then the server ends it."""

    async def look() -> list[object]:
        pools = HandlerConnections(lab.dsn, 1, 1, prepare=True)
        found: list[object] = []
        for seconds in (30, 90, 30):
            connection = pools.take(seconds)
            assert not connection.autocommit
            found.append(_limit(connection))
            pools.give_back(connection)
            aconnection = await pools.atake(seconds)
            cursor = await aconnection.execute("show idle_in_transaction_session_timeout")
            found += await cursor.fetchone() or ()
            await aconnection.rollback()
            await pools.agive_back(aconnection)
        await pools.close()
        return found

    assert asyncio.run(look()) == ["1min", "1min", "2min", "2min", "1min", "1min"]


@pytest.fixture
def held(lab: Lab) -> Iterator[tuple[str, psycopg.Connection[tuple[object, ...]]]]:
    """A run, and a session that holds it."""
    run = lab.start("chain", 1)
    with psycopg.connect(lab.dsn, application_name="a frozen one") as connection:
        connection.execute(HOLD, [run])
        yield run, connection


def _end(dsn: str, run: str, allowed: int) -> None:
    async def look() -> None:
        link = CoreConnection(dsn, prepare=True)
        try:
            async with link.lock:
                await Holders(allowed).end(link, {run})
        finally:
            await link.close()

    asyncio.run(look())


def test_a_session_that_holds_a_run_and_does_nothing_is_ended(
    lab: Lab, held: tuple[str, psycopg.Connection[tuple[object, ...]]], caplog: pytest.LogCaptureFixture
) -> None:
    run, connection = held
    logging.getLogger("pgflow").propagate = True
    with caplog.at_level(logging.WARNING, "pgflow.worker"):
        _end(lab.dsn, run, allowed=600)
        assert connection.execute("select 1").fetchone() == (1,)
        _end(lab.dsn, run, allowed=0)
    (record,) = caplog.records
    assert f"ended session {connection.info.backend_pid} (" in record.getMessage()
    assert "a frozen one" in record.getMessage()
    with pytest.raises(errors.AdminShutdown):
        connection.execute("select 1")


def test_a_session_of_somebody_else_is_not(
    lab: Lab, held: tuple[str, psycopg.Connection[tuple[object, ...]]], caplog: pytest.LogCaptureFixture
) -> None:
    run, connection = held
    role = sql.Identifier(f"lock_tester_{name_of(lab.dsn)}")
    with psycopg.connect(lab.dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {}").format(role))
        try:
            admin.execute(sql.SQL("grant usage on schema pgflow to {}").format(role))
            admin.execute(sql.SQL("grant execute on function pgflow.lock_holders to {}").format(role))
            logging.getLogger("pgflow").propagate = True
            with caplog.at_level(logging.WARNING, "pgflow.worker"):
                as_role = make_conninfo(lab.dsn, options=f"-c role={role.as_string(admin).strip(chr(34))}")
                _end(as_role, run, allowed=0)
            assert "it is not ours to end" in caplog.text
            assert connection.execute("select 1").fetchone() == (1,)
        finally:
            admin.execute(sql.SQL("drop owned by {}").format(role))
            admin.execute(sql.SQL("drop role {}").format(role))


def test_a_session_that_waits_for_a_frozen_worker_to_listen_is_ended(lab: Lab) -> None:
    """Its answer is larger than what the system takes on the way, and it holds tasks until that is taken."""
    run = lab.start("chain", 1)
    with closing(psycopg.connect(lab.dsn, autocommit=True)) as frozen:
        frozen.pgconn.send_query(
            b"with claimed as (update pgflow.step_tasks set status = status returning 1)"
            b" select repeat('x', 1000) from claimed, generate_series(1, 20000)"
        )
        while frozen.pgconn.flush():
            continue
        waiting = "select 1 from pg_stat_activity where pid = %s and wait_event = 'ClientWrite'"
        pid = frozen.info.backend_pid
        eventually(lambda: lab.sql(waiting, pid))
        with psycopg.connect(lab.dsn, autocommit=True) as connection:
            Release(allowed=600).turn(connection)
            assert lab.sql(waiting, pid)
            Release(allowed=0).turn(connection)
        eventually(lambda: not lab.sql("select 1 from pg_stat_activity where pid = %s", pid))
    with lab.worker("chain"):
        assert lab.completed(run) == {"third": [2, 20]}
