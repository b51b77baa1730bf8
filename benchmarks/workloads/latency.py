"""From start to result of a single step on an idle worker, a client waiting; idle gaps of random length."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.peers.protocol import percentiles
from benchmarks.workloads.base import Result, Size

GAP_SECONDS = (0.05, 0.15)
WARM_UP = 20


@dataclass(frozen=True)
class Latency:
    size: Size
    name: str = "latency"
    unit: str = "run"

    def suits(self, subject: Subject) -> bool:
        return True

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        count = self.size.of(200, 5)
        with bench.session(subject) as session, session.workers("echo"):
            answer = session.driver.ask(
                "latency", count=count, gap=GAP_SECONDS, warm_up=self.size.of(WARM_UP)
            )
        ranks = percentiles(answer["ms"])
        return [Result(self.name, subject.name, {f"{name}_ms": value for name, value in ranks.items()})]
