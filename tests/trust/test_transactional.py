"""A transactional step writes exactly once, wherever between its write and its completion it is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.support.core import Core, connect
from tests.support.crew import Crew, crew
from tests.support.invariants import assert_sound
from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def _kill_after_a_write(workers: Crew, name: str, folder: Path, random: Random) -> bool:
    """Kill a worker just after one of its handlers has written; False when it has nothing more to do."""
    process = workers.workers[name].process
    mark = folder / f"wrote-{process.pid}"
    mark.unlink(missing_ok=True)
    try:
        eventually(mark.exists, timeout=5)
    except AssertionError:
        return False
    time.sleep(random.choice((0.0, 0.0, 0.005, 0.02, 0.05)))
    workers.kill(name)
    return True


def test_writes_happen_exactly_once_however_often_workers_are_killed(
    lab: Lab, trust_seconds: float, trust_random: Random, trust_report: Callable[..., None]
) -> None:
    kills = total = 0
    deadline = time.monotonic() + trust_seconds

    def start(count: int) -> int:
        for number in range(total, total + count):
            lab.start("books", {"folder": str(lab.folder), "note": str(number)})
        return total + count

    total = start(20)
    with crew(lab, 2, "books", max_concurrent="4") as workers:
        while kills < 4 or time.monotonic() < deadline:
            if _open(lab) < 12:
                total = start(20)
            name = trust_random.choice(sorted(workers.workers))
            workers.workers[name].until_serving()
            kills += _kill_after_a_write(workers, name, lab.folder, trust_random)
            while len(workers.workers) < 2:
                workers.hire()
        eventually(lambda: _open(lab) == 0, timeout=120)
        workers.stop()
    rows = lab.sql("select flow_slug, status, count(*) as count from pgflow.runs group by 1, 2")
    stalled = lab.sql("select count(*) as n from pgflow.step_tasks where permanently_stalled_at is not null")
    assert {row["status"]: row["count"] for row in rows}["completed"] == total - stalled[0]["n"], rows
    # exactly one line for each completed step, none for any other
    completed = lab.sql(
        """select format('%s %s', r.input ->> 'note', t.step_slug) as note
           from pgflow.step_tasks t join pgflow.runs r using (run_id) where t.status = 'completed'"""
    )
    written = lab.sql("select note from public.ledger")
    assert sorted(row["note"] for row in written) == sorted(row["note"] for row in completed)
    assert lab.sql("select * from trust.faults") == []
    with connect(lab.dsn) as connection:
        assert_sound(Core(connection))
    assert [row for row in lab.sql("select requeued_count from pgflow.step_tasks") if row["requeued_count"]]
    trust_report(kills=kills, runs=total, stalled=stalled[0]["n"])


def _open(lab: Lab) -> int:
    return int(lab.sql("select count(*) as n from pgflow.runs where status = 'started'")[0]["n"])
