"""The driver of our own engine: starts runs through the project's generated client, and judges the outcome.

Run in a built copy of ``project/``, whose ``generated`` package it imports.
"""

from __future__ import annotations

import asyncio
import importlib
import random
import subprocess
import sys
import time
from typing import Any

import psycopg

from benchmarks.ours.growth import multiply_finished
from benchmarks.ours.parked import answer, wake
from benchmarks.ours.pile import fail_runs, pile_up
from benchmarks.peers.protocol import chain_input, chain_output, fan_output, require, serve

BATCH = 1000
"""Runs started in one call where starting is not what is measured."""
LOOK_SECONDS = 0.01
SAMPLE = 20

_OPEN = "select run_id from pgflow.runs where run_id = any(%s) and status = 'started'"
_RESULTS = "select run_id, status, output from pgflow.runs where run_id = any(%s)"
_SERVING = """
select count(*) from pgflow.workers
where stopped_at is null and last_heartbeat_at > clock_timestamp() - interval '30 seconds'
"""
_TASKS = """
select count(*), count(*) filter (where status = 'completed'), coalesce(max(attempts_count), 0),
  coalesce(sum(attempts_count), 0)
from pgflow.step_tasks where run_id = any(%s)
"""


_CHILDREN = "select run_id from pgflow.origins where kind = 'child' and from_run_id = %s"


class OurDriver:
    """See ``peers/protocol.py`` and the methods' names in ``workloads/``."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._ids: list[Any] = []
        self._flow = ""

    def setup(self) -> None:
        """Migrate: queue, core and flows."""
        command = [sys.executable, "-m", "pgflow_gen", "migrate", "--dsn", self._dsn]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        require(done.returncode == 0, done.stderr)

    def until_serving(self, processes: int, timeout: float) -> None:
        """Wait until so many workers have registered: one a process and flow."""
        deadline = time.monotonic() + timeout
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while connection.execute(_SERVING).fetchone() != (processes,):
                require(time.monotonic() < deadline, f"no {processes} workers after {timeout} s")
                time.sleep(0.05)

    def enqueue(self, flow: str, count: int) -> None:
        """Start so many runs of ``chain`` or ``waiting``."""
        self._ids, self._flow = [], flow
        with self._client() as client:
            start = getattr(client, f"start_many_{flow}")
            for begin in range(0, count, BATCH):
                inputs = [chain_input(n) for n in range(begin, min(begin + BATCH, count))]
                self._ids += [run.run_id for run in start(inputs)]

    def wait(self, timeout: float) -> None:
        """Until every run that ``enqueue`` started has ended."""
        deadline = time.monotonic() + timeout
        pending = self._ids
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while pending:
                sample = pending[-SAMPLE:]
                if connection.execute(_OPEN, [sample]).fetchone() is None:
                    pending = [row[0] for row in connection.execute(_OPEN, [pending])]
                    continue
                require(time.monotonic() < deadline, f"{len(pending)} runs have not ended in {timeout} s")
                time.sleep(LOOK_SECONDS)

    def verify(self) -> dict[str, Any]:
        """Every output right, every step completed in its first attempt."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            found = {row[0]: row[1:] for row in connection.execute(_RESULTS, [self._ids])}
            for number, run_id in enumerate(self._ids):
                wanted = ("completed", {"third": chain_output(number)})
                require(found.get(run_id) == wanted, f"run {number} is {found.get(run_id)}, not {wanted}")
            self._verify_tasks(connection, self._ids, 3 * len(self._ids))
        return {"units": 3 * len(self._ids)}

    def fan(self, size: int, runs: int) -> dict[str, Any]:
        """``runs`` fan-outs one after another, each from start to gathered result."""
        return asyncio.run(self._fan(size, runs))

    def beget(self, size: int) -> dict[str, Any]:
        """A run that starts ``size`` others, from its start to what it gathers of them."""
        return asyncio.run(self._beget(size))

    def latency(
        self, count: int, gap: tuple[float, float], warm_up: int, flow: str = "echo"
    ) -> dict[str, Any]:
        """Milliseconds from start to result of single runs, with idle gaps of random length between."""
        return {"ms": asyncio.run(self._latency(count, gap, warm_up, flow))}

    def start(self, count: int, batch: int) -> dict[str, Any]:
        """Start ``count`` runs, ``batch`` a call, one call after another, on one connection."""
        with self._client() as client:
            client.start_many_chain([chain_input(n) for n in range(batch)])  # connect, prepare
            began = time.perf_counter()
            if batch == 1:
                for n in range(count):
                    client.start_chain(chain_input(n))
            else:
                for begin in range(0, count, batch):
                    client.start_many_chain([chain_input(begin + n) for n in range(batch)])
            seconds = time.perf_counter() - began
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            row = connection.execute("select count(*) from pgflow.runs where flow_slug = 'chain'").fetchone()
        require(row == (count + batch,), f"{row} runs were started, not {count + batch}")
        return {"seconds": seconds}

    def grow(self, count: int) -> dict[str, Any]:
        """Make ``count`` finished runs out of those that have finished already."""
        return {"rows": multiply_finished(self._dsn, self._ids, count)}

    def pile_up(self, flow: str, count: int, dead_workers: int) -> dict[str, Any]:
        """Make a backlog of delayed tasks of ``flow``, and rows of dead workers."""
        made = pile_up(self._dsn, flow, count, dead_workers)
        require(made == count, f"{made} messages wait, not {count}")
        return {}

    def fail(self, flow: str, count: int) -> dict[str, Any]:
        """Make failed runs of ``flow``."""
        fail_runs(self._dsn, flow, count)
        return {}

    def retry(self, flow: str, count: int, spread: float) -> dict[str, Any]:
        """Retry all failed runs of ``flow``."""
        with self._client() as client:
            began = time.perf_counter()
            retried = client.retry_runs_where(flow=flow, status="failed", spread=spread)
            seconds = time.perf_counter() - began
        require(retried == count, f"{retried} runs were retried, not {count}")
        return {"seconds": seconds}

    def park(self, flow: str, count: int, due: float) -> dict[str, Any]:
        """Start so many runs of a flow that wait at once."""
        with self._client() as client:
            start = getattr(client, f"start_many_{flow}")
            for begin in range(0, count, BATCH):
                start([{"n": n, "due": due} for n in range(begin, min(begin + BATCH, count))])
        return {}

    def answer(self, timeout: float) -> dict[str, Any]:
        """Answer all that were parked; until all have ended."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            return answer(connection, timeout)

    def wake(self, count: int, due: float, timeout: float) -> dict[str, Any]:
        """Until all that were parked have woken and ended; seconds from ``due`` on."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            return wake(connection, count, due, timeout)

    def _client(self) -> Any:
        return importlib.import_module("generated.client").Client.connect(self._dsn)

    def _aclient(self) -> Any:
        return importlib.import_module("generated.client").AsyncClient.connect(self._dsn)

    async def _fan(self, size: int, runs: int) -> dict[str, Any]:
        ids = []
        async with self._aclient() as client:
            began = time.perf_counter()
            for _ in range(runs):
                run = await client.start_fan(size)
                output = await run.result(timeout=600)
                require(output == {"gather": fan_output(size)}, f"a fan-out of {size} gave {output}")
                ids.append(run.run_id)
            seconds = time.perf_counter() - began
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            self._verify_tasks(connection, ids, runs * (size + 2))
        return {"seconds": seconds, "units": runs * size}

    async def _beget(self, size: int) -> dict[str, Any]:
        async with self._aclient() as client:
            began = time.perf_counter()
            run = await client.start_parents(size)
            output = await run.result(timeout=1200)
            seconds = time.perf_counter() - began
        require(output == {"gather": fan_output(size)}, f"{size} children gave {output}")
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            self._verify_tasks(connection, [run.run_id], size + 2)
            children = [row[0] for row in connection.execute(_CHILDREN, [run.run_id])]
            require(len(children) == size, f"{len(children)} children were started, not {size}")
            self._verify_tasks(connection, children, size)
        return {"seconds": seconds}

    async def _latency(self, count: int, gap: tuple[float, float], warm_up: int, flow: str) -> list[float]:
        taken = []
        async with self._aclient() as client:
            for number in range(warm_up + count):
                await asyncio.sleep(random.uniform(*gap))  # noqa: S311 - not for secrets
                value = chain_input(number)
                wanted = {"answer": value} if flow == "echo" else {"third": chain_output(number)}
                began = time.perf_counter()
                run = await getattr(client, f"start_{flow}")(value)
                output = await run.result(timeout=60)
                taken.append((time.perf_counter() - began) * 1000)
                require(output == wanted, f"run {number} gave {output}")
        return taken[warm_up:]

    def _verify_tasks(self, connection: psycopg.Connection[Any], ids: list[Any], wanted: int) -> None:
        row = connection.execute(_TASKS, [ids]).fetchone()
        want = (wanted, wanted, 1, wanted)
        require(row == want, f"tasks, completed, most attempts, all attempts are {row}, not {want}")


if __name__ == "__main__":
    serve(OurDriver(sys.argv[1]))
