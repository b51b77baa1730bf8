"""SIGTERM under load: no attempt is lost or counted for nothing, no task is left started."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from tests.support.crew import crew
from tests.support.soak import Soak
from tests.support.worker_lab import Lab


def test_workers_that_are_stopped_under_load_leave_nothing_behind(
    lab: Lab, trust_seconds: float, trust_random: Random, trust_report: Callable[..., None]
) -> None:
    soak = Soak(lab, trust_random)
    stops = 0
    deadline = time.monotonic() + trust_seconds
    with crew(lab, 1, "soak", max_concurrent="20") as workers:
        soak.start(25)
        while stops < 4 or time.monotonic() < deadline:
            if trust_seconds and soak.open() < 30:
                soak.start(30)
            time.sleep(trust_random.uniform(0.0, 0.3))
            # with no time of grace whatever runs is cancelled and given back
            workers.options = {**workers.options, "grace_seconds": trust_random.choice(("0", "0.01", "30"))}
            workers.stop()
            workers.workers.clear()
            stops += 1
            held = """select t.* from pgflow.step_tasks t join pgflow.runs r using (run_id)
                      join pgflow.step_states s using (run_id, step_slug)
                      where t.status = 'started' and r.status = 'started' and s.status = 'started'"""
            assert lab.sql(held) == []
            assert lab.sql("select * from pgflow.workers where stopped_at is null") == []
            workers.hire()
        soak.until_ended(timeout=120)
        workers.stop()
    _check(soak)
    trust_report(stops=stops, runs=len(soak.orders))


def _check(soak: Soak) -> None:
    """Attempts that were given back begin again under the same number; none was counted as a crash."""
    soak.check(released=True)
    rows = soak.lab.sql(
        """select t.step_slug, t.attempts_count, t.requeued_count, r.input ->> 'doom' as doom
           from pgflow.step_tasks t join pgflow.runs r using (run_id) where t.status = 'completed'"""
    )
    assert all(row["requeued_count"] == 0 for row in rows)
    assert {row["attempts_count"] for row in rows if row["doom"] != "flaky"} == {1}


def test_a_second_signal_ends_at_once(lab: Lab) -> None:
    """The started task is left to recovery, and begins again elsewhere."""
    with crew(lab, 1, "slow") as workers:
        run = lab.start("slow", {"folder": str(lab.folder), "name": "a"})
        lab.begun("a.begun.1")
        worker = workers.workers.pop("crew-1")
        worker.signal()
        worker.until_logged("a second signal ends at once")
        worker.signal()
        assert worker.exit_code() == 1
        workers.silence("crew-1")
        lab.let_go("a.go")
        workers.hire()
        assert lab.completed(run) == {"linger": 2}
        workers.stop()
