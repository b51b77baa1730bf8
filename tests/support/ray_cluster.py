"""Nodes of a Ray cluster, each with processes of its own, all on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tests.support.clusters import Node, free_port, gone_at_the_end

_STORE = "80000000"
"""Bytes of shared memory for objects, nearly the least that Ray takes."""
_QUICK = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A node that is lost is noticed within seconds instead of half a minute."""


@dataclass
class RayLab:
    """A cluster that a test may kill parts of."""

    folder: Path
    """For logs, and short: paths of sockets are made of it."""
    path: Path
    """Where its nodes find the flows."""
    port: int = field(default_factory=free_port)
    nodes: list[Node] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start_head(self) -> Node:
        """The node that knows all others; it runs no task."""
        ports = ["--port", str(self.port)]
        if find_spec("grpc") is not None:  # Ray would open a fixed one for its client
            ports += ["--ray-client-server-port", str(free_port())]
        return self._start(
            "--head", *ports, "--num-cpus=0", "--include-dashboard=false", "--temp-dir", str(self.folder)
        )

    def start_node(self, cpus: int) -> Node:
        return self._start("--address", self.address, f"--num-cpus={cpus}")

    def said(self, text: str) -> str:
        """The line of a handler in the cluster's logs that has this text."""
        paths = self.folder.glob("session_2*/logs/worker-*")
        lines = [line for path in paths for line in path.read_text().splitlines() if text in line]
        assert len(lines) == 1, lines
        return lines[0]

    def _start(self, *arguments: str) -> Node:
        program = str(Path(sys.executable).with_name("ray"))
        flags = ["--block", "--disable-usage-stats", f"--object-store-memory={_STORE}"]
        log = self.folder / f"node-{len(self.nodes)}.log"
        environment = {"PYTHONPATH": str(self.path), "RAY_USAGE_STATS_ENABLED": "0", **_QUICK}
        node = Node([program, "start", *flags, *arguments], log, environment, self.folder)
        self.nodes.append(node)
        node.until_logged("Ray runtime started")
        return node


@contextmanager
def ray_cluster(folder: Path, path: Path) -> Iterator[RayLab]:
    """A head and a node with two cores."""
    lab = RayLab(folder, path)
    with gone_at_the_end(lab.nodes):
        lab.start_head()
        lab.start_node(2)
        yield lab
