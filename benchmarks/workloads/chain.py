"""A backlog of chains of three steps, drained by one worker: throughput and what a step costs.

The worker is warm (it has done some runs before) and stands still while the backlog is made, so that neither
its start nor the starting of runs is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Session, Subject
from benchmarks.workloads.base import Result, Size

TIMEOUT = 200.0
WARM_UP = 0.05
"""Share of the runs that is done before."""


@dataclass(frozen=True)
class Chain:
    size: Size
    flow: str = "chain"
    name: str = "chain"
    unit: str = "step"

    def suits(self, subject: Subject) -> bool:
        return True

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        with bench.session(subject) as session:
            metrics = drain(session, self.flow, self.size.of(subject.engine.chains, 4))
        return [Result(self.name, subject.name, metrics)]


def drain(session: Session, flow: str, runs: int) -> dict[str, float]:
    """Warm up, make a backlog of ``runs``, let it be drained, verify."""
    driver = session.driver
    with session.workers(flow) as workers:
        driver.ask("enqueue", flow=flow, count=max(2, int(runs * WARM_UP)))
        driver.ask("wait", timeout=TIMEOUT)
        driver.ask("verify")
        workers.pause(session.dsn)
        driver.ask("enqueue", flow=flow, count=runs)

        def work() -> None:
            workers.resume()
            driver.ask("wait", timeout=TIMEOUT)

        reading = session.measured(workers, work)
        units = int(driver.ask("verify")["units"])
        return reading.per(units)
