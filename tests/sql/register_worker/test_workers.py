"""Registration, heartbeat, deprecation and end of workers."""

from __future__ import annotations

from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tests.support.batch import register
from tests.support.core import Core, Row


def worker_row(core: Core, worker_id: UUID) -> Row:
    return core.row("select * from pgflow.workers where worker_id = %s", worker_id)


def test_registration(core: Core) -> None:
    worker_id = uuid4()
    core.call("register_worker", worker_id=worker_id, queue_name="q", function_name="fn")
    row = worker_row(core, worker_id)
    assert (row.queue_name, row.function_name) == ("q", "fn")
    assert (row.deprecated_at, row.stopped_at) == (None, None)
    assert row.last_heartbeat_at >= core.now()


def test_a_worker_says_where_it_is(core: Core) -> None:
    worker_id = uuid4()
    for pid in (7, 8):
        details = {"host": "north", "pid": pid}
        core.call(
            "register_worker",
            worker_id=worker_id,
            queue_name="q",
            function_name="fn",
            details=Jsonb(details),
        )
        assert worker_row(core, worker_id).details == details


def test_registering_again_refreshes(core: Core) -> None:
    worker_id = register(core, "q")
    core.run_sql("update pgflow.workers set last_heartbeat_at = now() - interval '1 day'")
    core.call("register_worker", worker_id=worker_id, queue_name="q", function_name="fn")
    assert worker_row(core, worker_id).last_heartbeat_at >= core.now()
    assert core.value("select count(*) from pgflow.workers") == 1


def test_heartbeat_of_several(core: Core) -> None:
    workers = [register(core, "q") for _ in range(3)]
    core.run_sql("update pgflow.workers set last_heartbeat_at = now() - interval '1 day'")
    rows = core.rows("select * from pgflow.heartbeat_workers(%s)", workers[:2])
    assert {(row.worker_id, row.deprecated_at) for row in rows} == {(worker, None) for worker in workers[:2]}
    assert worker_row(core, workers[0]).last_heartbeat_at >= core.now()
    assert worker_row(core, workers[2]).last_heartbeat_at < core.now()


def test_heartbeat_tells_of_deprecation(core: Core) -> None:
    old, new = register(core, "q"), register(core, "q")
    core.run_sql("select pgflow.deprecate_worker(worker_id => %s)", old)
    rows = core.rows("select * from pgflow.heartbeat_workers(worker_ids => %s)", [old, new])
    found = {row.worker_id: row.deprecated_at for row in rows}
    assert found[new] is None
    assert found[old] == worker_row(core, old).deprecated_at
    assert found[old] is not None


def test_deprecating_again_keeps_the_first_time(core: Core) -> None:
    worker = register(core, "q")
    core.run_sql("select pgflow.deprecate_worker(%s)", worker)
    first = worker_row(core, worker).deprecated_at
    core.run_sql("select pgflow.deprecate_worker(%s)", worker)
    assert worker_row(core, worker).deprecated_at == first


def test_unknown_workers_have_no_heartbeat(core: Core) -> None:
    worker = register(core, "q")
    rows = core.rows("select * from pgflow.heartbeat_workers(%s)", [uuid4(), worker])
    assert [row.worker_id for row in rows] == [worker]
    assert core.rows("select * from pgflow.heartbeat_workers('{}')") == []
    core.run_sql("select pgflow.deprecate_worker(%s)", uuid4())


def test_stopping_uses_the_clock(core: Core) -> None:
    worker, other = register(core, "q"), register(core, "q")
    before = core.clock()
    core.run_sql("select pgflow.mark_worker_stopped(worker_id => %s)", worker)
    assert before <= worker_row(core, worker).stopped_at <= core.clock()
    assert worker_row(core, other).stopped_at is None
