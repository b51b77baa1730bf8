"""Workers die at any moment, by kill -9, or come back from the dead, while runs of every kind go through."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from tests.support.crew import Crew, crew
from tests.support.soak import Soak
from tests.support.worker_lab import Lab

SIZE = 3


SHORT_KILLS, SHORT_RUNS = 8, 45
OPEN_RUNS = 45


def test_nothing_is_lost_or_done_twice_when_workers_die(
    lab: Lab, trust_seconds: float, trust_random: Random, trust_report: Callable[..., None]
) -> None:
    soak = Soak(lab, trust_random)
    kills = freezes = 0
    # small batches in many hands: tasks are met in every state
    with crew(lab, SIZE, "soak", max_concurrent="12", batch_size="6") as workers:
        deadline = time.monotonic() + trust_seconds
        while kills < SHORT_KILLS if not trust_seconds else time.monotonic() < deadline:
            if not soak.orders or (trust_seconds and soak.open() < OPEN_RUNS):
                soak.start(trust_random.randint(1, 30) if trust_seconds else SHORT_RUNS)
            chosen = trust_random.choice(sorted(workers.workers))
            if trust_random.random() < 0.7:
                workers.workers[chosen].until_serving()  # the others are met while they start
            time.sleep(trust_random.uniform(0.0, 0.6))
            if trust_random.random() < 0.2:
                workers.freeze(chosen)
                freezes += 1
            else:
                # in the long form some deaths are left to be noticed by the clock
                workers.kill(chosen, noticed=not trust_seconds or trust_random.random() < 0.95)
                kills += 1
            if trust_random.random() < 0.3:
                workers.thaw()
            _keep(workers, SIZE)
        workers.thaw()
        soak.until_ended(timeout=180)
        workers.stop()
        soak.check()
    trust_report(kills=kills, freezes=freezes, runs=len(soak.orders), stalled=len(soak.stalled))


def _keep(workers: Crew, size: int) -> None:
    """Fill up what died; dismiss what is too much since frozen ones came back."""
    while len(workers.workers) < size:
        workers.hire()
    while len(workers.workers) > size:
        workers.kill(min(workers.workers, key=lambda name: int(name.removeprefix("crew-"))))


def test_a_worker_back_from_the_dead_changes_nothing(lab: Lab) -> None:
    """Its task was given to another worker and is done; its own result comes after that."""
    with crew(lab, 1, "slow") as workers:
        run = lab.start("slow", {"folder": str(lab.folder), "name": "a"})
        lab.begun("a.begun.1")
        workers.freeze("crew-1")
        workers.hire()
        lab.begun("a.begun.2")
        lab.let_go("a.go")
        assert lab.completed(run) == {"linger": 2}
        workers.thaw()
        workers.workers["crew-1"].until_logged("result refused")
        assert lab.run(run)["output"] == {"linger": 2}
        assert lab.sql("select * from trust.faults") == []
        assert (lab.task(run)["attempts_count"], lab.task(run)["requeued_count"]) == (2, 1)
        workers.stop()
