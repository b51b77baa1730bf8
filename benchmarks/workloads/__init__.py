"""The workloads by name. Each measures one subject once; the harness repeats and takes turns."""

from __future__ import annotations

from benchmarks.workloads.base import Result, Size, Workload
from benchmarks.workloads.chain import Chain
from benchmarks.workloads.fanout import Fanout

__all__ = ["Result", "Size", "Workload", "make_workloads"]


def make_workloads(names: list[str], size: Size) -> list[Workload]:
    """The workloads of these names, in this order. Raises KeyError for a name that does not exist."""
    makers = WORKLOADS
    return [workload for name in names for workload in makers[name](size)]


WORKLOADS = {
    "chain": lambda size: [Chain(size)],
    "fanout": lambda size: [Fanout(size, count) for count in size.fanout],
}
