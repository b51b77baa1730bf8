"""A TypeScript worker and a Python one on one flow. The former is told by its SQL: what its release sends."""

from __future__ import annotations

import json
import threading
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Json

from tests.support.wait import eventually
from tests.support.worker_lab import Lab


class TypeScriptWorker:
    """Polls, starts, completes by the statements of pgflow's own worker, which beats between batches only."""

    def __init__(self, dsn: str, flow: str) -> None:
        self._dsn = dsn
        self._flow = flow
        self.worker_id: UUID = uuid4()
        self.done = 0
        self._stop = threading.Event()
        self._kill = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> TypeScriptWorker:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)

    def kill(self) -> None:
        """With what it has started: it says nothing any more."""
        self._kill.set()
        self.stop()

    def _run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True, row_factory=namedtuple_row) as connection:
            connection.execute(
                "insert into pgflow.workers (queue_name, worker_id, function_name) values (%s, %s, 'edge')",
                [self._flow, self.worker_id],
            )
            connection.execute("select pgflow.track_worker_function('edge')")
            while not self._stop.is_set():
                self._batch(connection)
            if not self._kill.is_set():
                connection.execute("select pgflow.mark_worker_stopped(%s::uuid)", [self.worker_id])

    def _batch(self, connection: psycopg.Connection[object]) -> None:
        rows = connection.execute(
            "update pgflow.workers as w set last_heartbeat_at = clock_timestamp() where w.worker_id = %s"
            " returning (w.deprecated_at is not null) as is_deprecated",
            [self.worker_id],
        ).fetchall()
        assert len(rows) == 1
        messages = connection.execute(
            "select * from pgmq.read_with_poll(queue_name => %s, vt => 2, qty => 3,"
            " max_poll_seconds => 1, poll_interval_ms => 50)",
            [self._flow],
        ).fetchall()
        ids = [message.msg_id for message in messages]  # type: ignore[attr-defined]
        if not ids:
            return
        tasks = connection.execute(
            "select * from pgflow.start_tasks(%s, %s::bigint[], %s::uuid)",
            [self._flow, ids, self.worker_id],
        ).fetchall()
        for task in tasks:
            if self._kill.is_set():
                return
            connection.execute(
                "select pgflow.complete_task(run_id => %s, step_slug => %s, task_index => %s,"
                " output => %s::jsonb)",
                [task.run_id, task.step_slug, task.task_index, Json(_answer(task))],  # type: ignore[attr-defined]
            )
            self.done += 1


def _answer(task: object) -> object:
    """What the flow's handlers return, in the other language."""
    if task.step_slug == "double":  # type: ignore[attr-defined]
        return task.flow_input * 2  # type: ignore[attr-defined]
    return {"twice": task.input["double"]}  # type: ignore[attr-defined]


def test_both_serve_one_flow_while_the_typescript_one_is_killed_and_comes_back(supa: Lab) -> None:
    runs = 60
    first = TypeScriptWorker(supa.dsn, "relay").start()
    started = [supa.start("relay", number) for number in range(runs // 2)]
    eventually(lambda: first.done > 3)
    with supa.worker("relay", max_concurrent="2") as python:
        first.kill()
        supa.sql(  # time passes for what it took along
            "update pgflow.step_tasks set queued_at = queued_at - interval '5 minutes',"
            " started_at = started_at - interval '5 minutes'"
            " where last_worker_id = %s and status = 'started'",
            first.worker_id,
        )
        second = TypeScriptWorker(supa.dsn, "relay").start()
        started += [supa.start("relay", number) for number in range(runs // 2, runs)]
        outputs = [supa.completed(run_id, timeout=60) for run_id in started]
        second.stop()
        assert python.stop() == 0
    assert outputs == [{"report": {"twice": 2 * number}} for number in range(runs)]
    served = supa.sql(
        "select w.function_name, count(*) as tasks from pgflow.step_tasks t"
        " join pgflow.workers w on w.worker_id = t.last_worker_id group by 1"
    )
    assert sum(row["tasks"] for row in served) == 2 * runs
    (ended,) = supa.sql("select stopped_at from pgflow.workers where worker_id = %s", second.worker_id)
    assert ended["stopped_at"] is not None
    assert json.dumps(outputs)


def test_a_long_task_of_a_worker_that_promised_no_heartbeat_is_left_alone(supa: Lab) -> None:
    worker_id = uuid4()
    run_id = supa.start("relay", 1)
    supa.sql("update pgflow.flows set opt_timeout = 3600 where flow_slug = 'relay'")
    supa.sql(
        "insert into pgflow.workers (queue_name, worker_id, function_name, last_heartbeat_at)"
        " values ('relay', %s, 'edge', now() - interval '5 minutes')",
        worker_id,
    )
    with psycopg.connect(supa.dsn) as connection:
        connection.execute(
            "select pgflow.start_tasks('relay', array(select msg_id from pgmq.read('relay', 2, 9)), %s)",
            [worker_id],
        )
    supa.sql(
        "update pgflow.step_tasks set queued_at = now() - interval '5 minutes',"
        " started_at = now() - interval '5 minutes' where run_id = %s and status = 'started'",
        run_id,
    )
    (row,) = supa.sql("select pgflow.recover_stalled_tasks() as recovered")
    assert row["recovered"] == 0
