"""Clusters of this machine: programs that listen on loopback, and end with the test."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.support.project import clean_environment
from tests.support.wait import eventually


class Node:
    """A program of a cluster, with all that it starts; its output in a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self.log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=clean_environment() | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def until_logged(self, text: str) -> None:
        def probe() -> bool:
            return text in self.log.read_text() or self._process.poll() is not None

        eventually(probe, timeout=240)  # a busy machine takes a minute to start Ray
        said = self.log.read_text()
        assert text in said, said

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def kill(self) -> None:
        """All of its processes at once, as when a machine is lost."""
        if self._process.poll() is not None:
            return
        mine = psutil.Process(self.pid)
        mine.suspend()  # so that it starts nothing while it is being counted
        processes = [mine, *mine.children(recursive=True)]
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        psutil.wait_procs(processes)


def free_port() -> int:
    """One of loopback's that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gone_at_the_end(nodes: list[Node]) -> Iterator[list[Node]]:
    """Whatever nodes are in the list when the block ends, are killed."""
    try:
        yield nodes
    finally:
        for node in nodes:
            node.kill()
