"""Runs that map over so many elements and gather the results, one after another, from start to result."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size


@dataclass(frozen=True)
class Fanout:
    size: Size
    count: int
    unit: str = "child"

    @property
    def name(self) -> str:
        return f"fanout {self.count:,}"

    def suits(self, subject: Subject) -> bool:
        return self.count <= subject.engine.largest_fanout

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        runs = max(1, self.size.of(subject.engine.fanout_children) // self.count)
        with bench.session(subject) as session, session.workers("fan") as workers:
            session.driver.ask("fan", size=max(1, self.count // 10), runs=1)
            answer: dict[str, float] = {}

            def work() -> None:
                answer.update(session.driver.ask("fan", size=self.count, runs=runs))

            metrics = session.measured(workers, work).per(int(answer["units"]))
        metrics |= {"per_s": answer["units"] / answer["seconds"], "seconds": answer["seconds"]}
        return [Result(self.name, subject.name, metrics)]
