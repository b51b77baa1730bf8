"""A scheduler of Dask and workers of it, each a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.clusters import Node, free_port, gone_at_the_end


@dataclass
class DaskLab:
    """A cluster that a test may kill parts of."""

    folder: Path
    """For logs."""
    path: Path
    """Where its workers find the flows."""
    port: int = field(default_factory=free_port)
    nodes: list[Node] = field(default_factory=list)
    scheduler: Node | None = None

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> Node:
        flags = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-jupyter"]
        self.scheduler = self._start("dask_scheduler", *flags, ready="Scheduler at:")
        return self.scheduler

    def start_worker(self, threads: int = 4, **environment: str) -> Node:
        flags = ["--host", "127.0.0.1", "--no-dashboard", "--no-nanny", "--nthreads", str(threads)]
        flags += ["--resources", "GPU=1", "--local-directory", str(self.folder)]
        return self._start("dask_worker", self.address, *flags, ready="Registered to:", **environment)

    def _start(self, program: str, *arguments: str, ready: str, **environment: str) -> Node:
        command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
        log = self.folder / f"{program}-{len(self.nodes)}.log"
        node = Node(command, log, {"PYTHONPATH": str(self.path), **environment}, self.folder)
        self.nodes.append(node)
        node.until_logged(ready)
        return node

    @property
    def logs(self) -> str:
        return "".join(node.log.read_text() for node in self.nodes)


@contextmanager
def dask_cluster(folder: Path, path: Path, workers: int = 2) -> Iterator[DaskLab]:
    lab = DaskLab(folder, path)
    with gone_at_the_end(lab.nodes):
        lab.start_scheduler()
        for _ in range(workers):
            lab.start_worker()
        yield lab
