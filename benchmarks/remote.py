"""What a worker process spends on handlers that run on a cluster: ``python -m benchmarks.remote``.

A map over 2,500 elements, each of which sleeps two seconds in a thread of a Dask worker, 500 at a time: two
Dask workers with 250 threads each, scheduler, worker and an embedded PostgreSQL on this machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from benchmarks.server import BenchmarkError

FLOW = """
import time

from pgflow_runtime import Flow

naps = Flow[list[float]]("naps", executor="dask")


@naps.map
def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds
"""
PORT = 18786
ADDRESS = f"tcp://127.0.0.1:{PORT}"
AT_A_TIME = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=2_500)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each sleeps")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), given.elements, given.seconds)


def _measure(folder: Path, elements: int, seconds: float) -> None:
    (folder / "flows").mkdir()
    (folder / "flows" / "naps.py").write_text(FLOW)
    (folder / "pyproject.toml").write_text("[tool.pgflow-gen]\n")
    ours = (sys.executable, "-m", "pgflow_gen")
    for command in ("build", "migrate"):
        subprocess.run([*ours, command], cwd=folder, check=True, capture_output=True)
    dask = (sys.executable, "-m", "distributed.cli")
    quiet = ("--host", "127.0.0.1", "--no-dashboard")
    node = (f"{dask[2]}.dask_worker", ADDRESS, *quiet, "--no-nanny", "--nthreads", str(AT_A_TIME // 2))
    with (
        _running(folder, "Scheduler at", *dask[:2], f"{dask[2]}.dask_scheduler", "--port", str(PORT), *quiet),
        _running(folder, "Registered to", *dask[:2], *node),
        _running(folder, "Registered to", *dask[:2], *node),
        _running(
            folder, "serving", *ours, "worker", "flows.naps:naps", "--dask-scheduler", ADDRESS,
            "--max-concurrent", str(AT_A_TIME),
        ) as worker,
    ):  # fmt: skip
        value = "[" + ",".join([f"{seconds}"] * elements) + "]"
        before, since = _cpu(worker), time.perf_counter()
        subprocess.run(
            [*ours, "start", "naps", "-", "--wait", "--timeout", "600"],
            cwd=folder, input=value.encode(), check=True, capture_output=True,
        )  # fmt: skip
        clock, cpu = time.perf_counter() - since, _cpu(worker) - before
    print(
        f"{elements} tasks, {AT_A_TIME} at a time: {clock:.1f} s; the worker's process {cpu:.2f} s of a core"
    )
    print(f"{cpu / clock:.2f} of a core, {cpu / elements * 1000:.2f} ms a task")


@contextmanager
def _running(folder: Path, ready: str, *command: str) -> Iterator[psutil.Process]:
    log = folder / f"{time.monotonic_ns()}.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, stdout=sink, stderr=sink
        )
    try:
        deadline = time.monotonic() + 120
        while ready not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkError(f"{' '.join(command)}:\n{log.read_text()}")
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
