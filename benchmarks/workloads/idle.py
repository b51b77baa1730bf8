"""What worker and server use while there is nothing to do, in percent of a core."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import TIMEOUT

SECONDS = 20


@dataclass(frozen=True)
class IdleCost:
    size: Size
    name: str = "idle"
    unit: str = "second"

    def suits(self, subject: Subject) -> bool:
        return True

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        seconds = self.size.of(SECONDS, 2)
        with bench.session(subject) as session, session.workers("chain") as workers:
            session.driver.ask("enqueue", flow="chain", count=10)
            session.driver.ask("wait", timeout=TIMEOUT)
            time.sleep(1)
            reading = session.measured(workers, lambda: time.sleep(seconds))
        percent = 100 / reading.seconds
        metrics = {
            "both_cpu_percent": (reading.worker_cpu + reading.server_cpu) * percent,
            "worker_cpu_percent": reading.worker_cpu * percent,
            "server_cpu_percent": reading.server_cpu * percent,
            "commits_per_s": reading.wal.commits / reading.seconds,
        }
        return [Result(self.name, subject.name, metrics)]
