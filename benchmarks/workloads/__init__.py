"""The workloads by name. Each measures one subject once; the harness repeats and takes turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.workloads.backlog import Backlog
from benchmarks.workloads.base import Result, Size, Workload
from benchmarks.workloads.chain import Chain
from benchmarks.workloads.children import Children
from benchmarks.workloads.fanout import Fanout
from benchmarks.workloads.growth import Growth
from benchmarks.workloads.hosts import MOST_HOSTS, Hosts
from benchmarks.workloads.idle import IdleCost
from benchmarks.workloads.latency import Latency
from benchmarks.workloads.processes import Processes
from benchmarks.workloads.retries import Retries
from benchmarks.workloads.signals import Signals
from benchmarks.workloads.start import Start
from benchmarks.workloads.timers import Timers
from benchmarks.workloads.waiting import Waiting

__all__ = ["MOST_HOSTS", "ON_HOSTS", "WORKLOADS", "Result", "Size", "Workload", "make_workloads"]

WORKLOADS: dict[str, Callable[[Size], Sequence[Workload]]] = {
    "chain": lambda size: [Chain(size)],
    "fanout": lambda size: [Fanout(size, count) for count in size.fanout],
    "latency": lambda size: [Latency(size)],
    "start": lambda size: [Start(size, 1), Start(size, 100)],
    "backlog": lambda size: [Backlog(size)],
    "retries": lambda size: [Retries(size)],
    "growth": lambda size: [Growth(size)],
    "waiting": lambda size: [Waiting(size, slots) for slots in (10, 100, 400)],
    "signals": lambda size: [Signals(size)],
    "timers": lambda size: [Timers(size)],
    "children": lambda size: [Children(size)],
    "processes": lambda size: [Processes(size)],
    "hosts": lambda size: [Hosts(size)],
    "idle": lambda size: [IdleCost(size)],
}

ON_HOSTS = frozenset({"hosts"})
"""Workloads whose workers run on hosts of their own."""


def make_workloads(names: Sequence[str], size: Size) -> list[Workload]:
    """The workloads of these names, in this order. Raises KeyError for a name that does not exist."""
    return [workload for name in names for workload in WORKLOADS[name](size)]
