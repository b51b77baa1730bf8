"""What the harness knows of an engine: how to run its driver and its worker. The rest the driver knows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.driver_process import Driver
from benchmarks.hosts import Host
from benchmarks.server import REPOSITORY, BenchmarkError
from benchmarks.worker_process import Workers

_FOREIGN = ("PGFLOW_", "PG", "DATABASE_URL", "PYTHON", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Setting:
    """How an engine's worker is run: ``defaults``, or tuned as its documentation says."""

    name: str
    flags: tuple[str, ...] = ()
    processes: int = 1
    hosts: tuple[Host, ...] = ()
    """Which the processes are spread over; none: this machine itself."""

    def prefix(self, number: int) -> tuple[str, ...]:
        """What runs a command where the process of this number belongs."""
        return self.hosts[number % len(self.hosts)].prefix if self.hosts else ()


@dataclass(frozen=True)
class Engine:
    """An engine in its environment."""

    name: str
    python: Path
    cwd: Path
    driver: str
    """Module of the driver."""
    worker: tuple[str, ...]
    """Arguments of Python that run the worker; what has ``{flow}`` is there for each flow. Flags follow."""
    settings: tuple[Setting, ...]
    chains: int
    """Runs of the chain that take some seconds."""
    fanout_children: int
    """Children of fan-outs that take some seconds."""
    largest_fanout: int
    can_grow: bool
    """Whether its driver can fill the tables with finished runs."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def start_driver(self, dsn: str, log_folder: Path) -> Driver:
        command = [str(self.python), "-m", self.driver, dsn]
        return Driver(command, cwd=self.cwd, env=self._environment(), log=log_folder / f"{self.name}.log")

    def start_workers(self, dsn: str, flows: Sequence[str], setting: Setting, log_folder: Path) -> Workers:
        command = [str(self.python), *self.worker, "--dsn", dsn, *setting.flags]
        command = [
            part.replace("{flow}", flow)
            for part in command
            for flow in (flows if "{flow}" in part else flows[:1])
        ]
        return Workers.launch(
            [[*setting.prefix(number), *command] for number in range(setting.processes)],
            cwd=self.cwd,
            env=self._environment(),
            log_folder=log_folder,
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return kept | {"PYTHONPATH": str(REPOSITORY), **self.environment}


def ours(folder: Path, settings: tuple[Setting, ...]) -> Engine:
    """Our engine in a project of its own, built here as a user would."""
    project = folder / "project"
    shutil.copytree(REPOSITORY / "benchmarks" / "ours" / "project", project)
    command = [sys.executable, "-m", "pgflow_gen", "build", "--no-verify"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"the benchmark's flows do not build:\n{done.stdout}{done.stderr}")
    return Engine(
        name="ours",
        python=Path(sys.executable),
        cwd=project,
        driver="benchmarks.ours.driver",
        worker=("-m", "pgflow_gen", "worker", "flows.bench:{flow}"),
        settings=settings,
        chains=10_000,
        fanout_children=20_000,
        largest_fanout=40_000,
        can_grow=True,
    )
