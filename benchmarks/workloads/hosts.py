"""The chain by one to eight workers on one to four hosts, against one server on a host of its own.

The hosts are network namespaces and share this machine's processors: what counts is what a step costs, and
that no run is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.bench import Bench, Subject
from benchmarks.hosts import Host
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import drain
from benchmarks.workloads.processes import ONE_CONNECTION

MOST_HOSTS = 4
WORKERS = ((1, 1), (2, 2), (4, 4), (8, 4))
"""How many, on how many hosts."""


@dataclass(frozen=True)
class Hosts:
    size: Size
    name: str = "hosts"
    unit: str = "step"

    def suits(self, subject: Subject) -> bool:
        return subject.engine.name == "ours" and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        runs = self.size.of(subject.engine.chains, 16)
        results = []
        for variant in _variants(subject, bench.hosts):
            with bench.session(variant) as session:
                metrics = drain(session, "chain", runs)  # which ends with an error if a run is lost
            results.append(Result(self.name, variant.name, metrics | {"runs_verified": float(runs)}))
        return results


def _variants(subject: Subject, hosts: tuple[Host, ...]) -> Iterator[Subject]:
    for flags, words in (((), ""), (ONE_CONNECTION, ", one connection each")):
        for workers, count in WORKERS:
            name = f"{workers} worker{'s' * (workers > 1)} on {count} host{'s' * (count > 1)}{words}"
            on_hosts = subject.with_processes(workers, name).on_hosts(hosts[:count])
            yield on_hosts.with_flags(name, *flags)
