"""Chains whose handlers wait 20 ms, as if for a network, with few and with many slots. Ours only."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import drain


@dataclass(frozen=True)
class Waiting:
    size: Size
    slots: int
    unit: str = "step"

    @property
    def name(self) -> str:
        return f"waiting 20 ms, {self.slots} slots"

    def suits(self, subject: Subject) -> bool:
        return subject.engine.name == "ours" and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        flags = ("--max-concurrent", str(self.slots), "--batch-size", str(self.slots))
        with bench.session(subject.with_flags(f"{self.slots} slots", *flags)) as session:
            metrics = drain(session, "waiting", self.size.of(30 * self.slots, 4))
        return [Result(self.name, session.subject.name, metrics)]
