"""Reads clocks, processors and the WAL around a piece of work."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import psycopg

from benchmarks import wal
from benchmarks.server import Server
from benchmarks.worker_process import Workers


@dataclass(frozen=True)
class Reading:
    """What a piece of work took."""

    seconds: float
    worker_cpu: float
    server_cpu: float
    machine_cpu: float
    """What all processes of the machine used, in seconds."""
    cores: float
    wal: wal.WalCounts

    @property
    def others_percent(self) -> float:
        """Share of the machine that neither worker nor server used: the driver, and what disturbs."""
        others = self.machine_cpu - self.worker_cpu - self.server_cpu
        return max(0.0, 100 * others / (self.seconds * self.cores))

    def per(self, units: int) -> dict[str, float]:
        """Rates and costs for ``units`` pieces: steps, children or starts."""
        metrics = {
            "per_s": units / self.seconds,
            "worker_cpu_ms": self.worker_cpu * 1000 / units,
            "server_cpu_ms": self.server_cpu * 1000 / units,
            "commits": self.wal.commits / units,
            "wal_bytes": self.wal.bytes / units,
            "seconds": self.seconds,
            "others_percent": self.others_percent,
        }
        if self.wal.hot_share is not None:
            metrics["hot_share"] = self.wal.hot_share
        return metrics


class Meter:
    """Between ``start`` and ``stop``. Server-wide: only one subject works at a time."""

    def __init__(self, server: Server, workers: Workers | None) -> None:
        self._server = server
        self._workers = workers
        self._connection = psycopg.connect(server.dsn("postgres"), autocommit=True)

    def start(self) -> None:
        self._position = wal.position(self._connection)
        self._worker_cpu = self._workers.cpu_seconds() if self._workers else 0.0
        self._server_cpu = self._server.cpu_seconds()
        self._machine_cpu = _busy_seconds()
        self._began = time.perf_counter()

    def stop(self) -> Reading:
        seconds = time.perf_counter() - self._began
        server_cpu = self._server.cpu_seconds() - self._server_cpu
        worker_cpu = self._workers.cpu_seconds() - self._worker_cpu if self._workers else 0.0
        machine_cpu = _busy_seconds() - self._machine_cpu
        end = wal.position(self._connection)
        counts = wal.count(self._server, self._connection, self._position, end)
        self._connection.close()
        cores = float(psutil.cpu_count() or 1)
        return Reading(seconds, worker_cpu, server_cpu, machine_cpu, cores, counts)


def _busy_seconds() -> float:
    """Time of all cores that was not idle; what a hypervisor took away counts as well."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))
