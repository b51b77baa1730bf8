"""A worker whose heartbeat is held up, and one that was taken for dead."""

from __future__ import annotations

import psycopg

from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def test_work_goes_on_while_somebody_holds_the_workers_row(lab: Lab) -> None:
    """No beat gets through and the last one is old: what cannot be judged keeps its tasks, and gets more."""
    with lab.worker("chain", "held") as worker, lab.worker("chain", name="other") as other:
        other.until_serving()
        held = lab.start("held", {"folder": str(lab.folder), "name": "h"})
        lab.begun("h.begun.1")
        with psycopg.connect(lab.dsn) as holder:
            hold_silent(holder)
            runs = [lab.start("chain", n) for n in range(20)]
            for run in runs:
                lab.completed(run)
            assert lab.sql("select pgflow.recover_stalled_tasks() as count") == [{"count": 0}]
            lab.let_go("h.go")
            assert lab.completed(held) == {"hold": 1}  # the attempt
            holder.execute("update pgflow.workers set last_heartbeat_at = clock_timestamp()")
        tasks = [task for run in [*runs, held] for task in lab.tasks(run)]
        assert {(task["attempts_count"], task["requeued_count"]) for task in tasks} == {(1, 0)}
        assert "stalled" not in worker.log + other.log


def hold_silent(holder: psycopg.Connection[tuple[object, ...]]) -> None:
    """Lock the rows of all workers when their last sign of life is minutes old."""
    while True:
        holder.execute("update pgflow.workers set last_heartbeat_at = now() - interval '10 minutes'")
        holder.commit()
        rows = holder.execute(
            "select last_heartbeat_at < now() - interval '9 minutes' from pgflow.workers for update"
        ).fetchall()
        if all(row[0] for row in rows):
            return


def test_a_worker_that_was_taken_for_dead_registers_again_and_works(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        lab.completed(lab.start("chain", 1))
        (before,) = lab.sql(
            """update pgflow.workers set died_at = now(), last_heartbeat_at = now() - interval '1 minute'
               returning worker_id"""
        )
        lab.completed(lab.start("chain", 2))
        (after,) = lab.sql("select worker_id, died_at from pgflow.workers")
        assert after == {**before, "died_at": None}
        assert worker.stop() == 0


def test_the_heartbeat_has_a_connection_of_its_own(lab: Lab) -> None:
    """Recovery that waits for a locked table keeps no heartbeat waiting."""
    with lab.worker("chain") as worker, psycopg.connect(lab.dsn) as holder:
        worker.until_serving()
        holder.execute("lock table pgflow.flows in access exclusive mode")
        waits = (
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%recover_stalled%'"
        )
        eventually(lambda: lab.sql(waits))
        (row,) = lab.sql("select last_heartbeat_at from pgflow.workers")
        eventually(
            lambda: lab.sql(
                "select 1 from pgflow.workers where last_heartbeat_at > %s", row["last_heartbeat_at"]
            )
        )
