"""The chain beside many failed runs of another flow that are retried at once, spread over a minute.

An outage leaves thousands of failed runs; taking them up again must not be the next one. Measured twice in a
row: a drained backlog of chains alone, and while the retried tasks fall due.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import drain

FAILED = 15_000
SPREAD = 60
"""Seconds; the drain is over before."""


@dataclass(frozen=True)
class Retries:
    size: Size
    unit: str = "step"

    @property
    def name(self) -> str:
        return f"retries, {self.count:,} failed runs of another flow, spread over {SPREAD} s"

    @property
    def count(self) -> int:
        return self.size.of(FAILED, 100)

    def suits(self, subject: Subject) -> bool:
        return subject.engine.name == "ours" and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        chains = self.size.of(subject.engine.chains, 4)
        with bench.session(subject) as session:
            alone = drain(session, "chain", chains)
        with bench.session(subject) as session:
            session.driver.ask("fail", flow="waiting", count=self.count)
            seconds = float(
                session.driver.ask("retry", flow="waiting", count=self.count, spread=SPREAD)["seconds"]
            )
            beside = drain(session, "chain", chains)
        ratios = {
            "beside_empty": beside["per_s"] / alone["per_s"],
            "empty_per_s": alone["per_s"],
            "retried_per_s": self.count / seconds,
        }
        return [Result(self.name, subject.name, ratios | beside)]
