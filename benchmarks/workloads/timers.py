"""Sleeping runs that all fall due at one moment: how fast a worker fires their timers and completes them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import TIMEOUT

RUNS = 100_000
STARTED_PER_SECOND = 1_000
"""At least: sleepers must all be there when they fall due."""
READY_SECONDS = 20.0


@dataclass(frozen=True)
class Timers:
    size: Size
    unit: str = "run"

    @property
    def name(self) -> str:
        return f"timers, {self.count:,} sleepers fall due"

    @property
    def count(self) -> int:
        return self.size.of(RUNS, 100)

    def suits(self, subject: Subject) -> bool:
        return subject.engine.name == "ours" and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        due = time.time() + READY_SECONDS + self.count / STARTED_PER_SECOND
        with bench.session(subject) as session:
            session.driver.ask("park", flow="asleep", count=self.count, due=due)
            with session.workers("asleep"):
                took = session.driver.ask("wake", count=self.count, due=due, timeout=TIMEOUT)
        return [Result(self.name, subject.name, {"per_s": self.count / took["seconds"]})]
