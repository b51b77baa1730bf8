"""Runs that wait for somebody, all answered at once: how fast signals are taken, and how fast all is done."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import TIMEOUT

RUNS = 10_000


@dataclass(frozen=True)
class Signals:
    size: Size
    unit: str = "run"

    @property
    def name(self) -> str:
        return f"signals, {self.count:,} waiting runs answered"

    @property
    def count(self) -> int:
        return self.size.of(RUNS, 100)

    def suits(self, subject: Subject) -> bool:
        return subject.engine.name == "ours" and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        with bench.session(subject) as session:
            session.driver.ask("park", flow="answered", count=self.count, due=0.0)
            with session.workers("answered"):
                took = session.driver.ask("answer", timeout=TIMEOUT)
        metrics = {"per_s": self.count / took["seconds"], "sent_per_s": self.count / took["sent"]}
        return [Result(self.name, subject.name, metrics)]
