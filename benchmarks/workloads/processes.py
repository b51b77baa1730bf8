"""The chain by one and by two worker processes; ours also with a single working connection in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import drain

ONE_CONNECTION = ("--max-pg-connections", "2")
"""One that works; the other is the heartbeat's."""


@dataclass(frozen=True)
class Processes:
    size: Size
    name: str = "processes"
    unit: str = "step"

    def suits(self, subject: Subject) -> bool:
        return subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        results = []
        for variant in _variants(subject):
            with bench.session(variant) as session:
                metrics = drain(session, "chain", self.size.of(subject.engine.chains, 4))
            results.append(Result(self.name, variant.name, metrics))
        return results


def _variants(subject: Subject) -> Iterator[Subject]:
    for count in (1, 2):
        yield subject.with_processes(count, f"{count} process{'es' if count > 1 else ''}")
    if subject.engine.name == "ours":
        for count in (1, 2):
            name = f"{count} process{'es' if count > 1 else ''}, one connection each"
            yield subject.with_processes(count, name).with_flags(name, *ONE_CONNECTION)
