"""Starting runs while no worker runs: one call each, and in batches, from one client on one connection."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.workloads.base import Result, Size


@dataclass(frozen=True)
class Start:
    size: Size
    batch: int
    unit: str = "run"

    @property
    def name(self) -> str:
        return "start, one call each" if self.batch == 1 else f"start, {self.batch} a call"

    def suits(self, subject: Subject) -> bool:
        """Starting does not depend on the worker's setting: once an engine is enough."""
        return subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        calls = self.size.of(2000 if self.batch == 1 else 100, 2)
        count = calls * self.batch
        answer: dict[str, float] = {}
        with bench.session(subject) as session:

            def work() -> None:
                answer.update(session.driver.ask("start", count=count, batch=self.batch))

            metrics = session.measured(None, work).per(count)
        metrics |= {"per_s": count / answer["seconds"], "seconds": answer["seconds"]}
        del metrics["worker_cpu_ms"]
        return [Result(self.name, subject.engine.name, metrics)]
