"""What all workloads have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.bench import Bench, Subject


@dataclass(frozen=True)
class Size:
    """How much is done. ``scale`` 1 takes some seconds a subject on a machine of two cores."""

    scale: float = 1.0
    fanout: tuple[int, ...] = (1000,)
    backlog: int = 1_000_000
    """Delayed tasks of another flow."""
    finished: int = 100_000
    """Finished runs in the tables that have grown."""
    waiting: int = 0
    """Runs there that wait for a signal."""

    def of(self, count: int, least: int = 1) -> int:
        return max(least, round(count * self.scale))


@dataclass(frozen=True)
class Result:
    """What one repetition of one subject gave."""

    workload: str
    subject: str
    metrics: dict[str, float]
    details: dict[str, object] = field(default_factory=dict)


class Workload(Protocol):
    """A piece of work and how it is measured."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str:
        """What rates and costs count: step, child, run."""
        ...

    def suits(self, subject: Subject) -> bool:
        """Whether this subject can do it at this size in reasonable time."""
        ...

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        """Do it once, verify it, and say what it took. Raises BenchmarkError."""
        ...
