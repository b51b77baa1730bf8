"""A run that maps over so many elements, each the work of a run of its own, and gathers the results."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size

CHILDREN = 40_000


@dataclass(frozen=True)
class Children:
    size: Size
    unit: str = "child"

    @property
    def name(self) -> str:
        return f"children, {self.count:,} of one map"

    @property
    def count(self) -> int:
        return self.size.of(CHILDREN, 100)

    def suits(self, subject: Subject) -> bool:
        return subject.engine.name == "ours" and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        with bench.session(subject) as session, session.workers("parents", "kid") as workers:
            session.driver.ask("beget", size=max(1, self.count // 100))
            answer: dict[str, float] = {}

            def work() -> None:
                answer.update(session.driver.ask("beget", size=self.count))

            metrics = session.measured(workers, work).per(self.count)
        metrics |= {"per_s": self.count / answer["seconds"], "seconds": answer["seconds"]}
        return [Result(self.name, subject.name, metrics)]
