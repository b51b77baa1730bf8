"""The chain with many finished and many waiting runs in the tables, beside the chain without."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import TIMEOUT, drain

SEED = 1000
"""Runs that are really done; the others are copies of them."""


@dataclass(frozen=True)
class Growth:
    size: Size
    unit: str = "step"

    @property
    def name(self) -> str:
        waiting = f" and {self.waiting:,} waiting" if self.waiting else ""
        return f"growth, {self.finished:,} finished{waiting} runs"

    @property
    def finished(self) -> int:
        return self.size.of(self.size.finished, SEED)

    @property
    def waiting(self) -> int:
        return self.size.of(self.size.waiting, 0)

    def suits(self, subject: Subject) -> bool:
        return subject.engine.can_grow and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        runs = self.size.of(subject.engine.chains, 4)
        with bench.session(subject) as session:
            empty = drain(session, "chain", runs)
        with bench.session(subject) as session:
            with session.workers("chain"):
                session.driver.ask("enqueue", flow="chain", count=min(SEED, self.finished))
                session.driver.ask("wait", timeout=TIMEOUT)
                session.driver.ask("verify")
            session.driver.ask("park", flow="answered", count=self.waiting, due=0.0)
            session.driver.ask("grow", count=self.finished)
            grown = drain(session, "chain", runs)
        beside = {"beside_empty": grown["per_s"] / empty["per_s"], "empty_per_s": empty["per_s"]}
        return [Result(self.name, subject.name, beside | grown)]
