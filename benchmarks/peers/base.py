"""What the peers' drivers share: watching the database until the work is done, and judging it.

Needs psycopg, which every peer's environment has.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from benchmarks.peers.protocol import chain_input, chain_output, fan_output, require

LOOK_SECONDS = 0.02
WORKER_NAME = "bench-worker"
"""Prefix of the application name of the connection by which a worker says that it serves."""

RESULTS = """
create table public.bench_results (
  run bigint not null,
  position int not null,
  output jsonb not null
);
create index on public.bench_results (run);
"""
"""Where handlers of job queues put results, as such queues keep none. No unique key: twice shall be seen."""

STORE = "insert into public.bench_results (run, position, output) values (%s, %s, %s)"

_SERVING = "select count(distinct application_name) from pg_stat_activity where application_name like %s"


def eventually(connection: psycopg.Connection[Any], done: Callable[[], bool], timeout: float) -> None:
    """Look every few milliseconds."""
    deadline = time.monotonic() + timeout
    while not done():
        require(time.monotonic() < deadline, f"not done after {timeout} s")
        time.sleep(LOOK_SECONDS)


def until_serving(dsn: str, processes: int, timeout: float) -> None:
    """Wait until so many worker processes are connected."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        name = f"{WORKER_NAME}-%"

        def done() -> bool:
            return connection.execute(_SERVING, [name]).fetchone() == (processes,)

        eventually(connection, done, timeout)


def announce(dsn: str) -> psycopg.Connection[Any]:
    """A worker serves, as long as it keeps this idle connection."""
    return psycopg.connect(dsn, application_name=f"{WORKER_NAME}-{os.getpid()}", autocommit=True)


class JobQueueDriver:
    """A driver of a queue without results: the last job of a run stores what it made in ``bench_results``.

    Subclasses start jobs: ``put(task, payloads)`` one call a job list, all or nothing.
    """

    unfinished: str
    """A query for the number of jobs that are not done."""
    finished_attempts: str
    """A query for the jobs done, and for how many of these took more than one attempt."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._runs: range = range(0)
        self._next = 0
        self._done_before = 0

    def install(self) -> None:
        """Make the engine's own tables."""
        raise NotImplementedError

    def put(self, task: str, payloads: Sequence[dict[str, Any]]) -> None:
        """Put jobs into the queue in one call."""
        raise NotImplementedError

    def setup(self) -> None:
        self.install()
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(RESULTS)

    def until_serving(self, processes: int, timeout: float) -> None:
        until_serving(self._dsn, processes, timeout)

    def enqueue(self, flow: str, count: int) -> None:
        require(flow == "chain", f"there is no {flow} here")
        self._done_before = self._counts()[0]
        self._runs = range(self._next, self._next + count)
        self._next += count
        for begin in range(0, count, 1000):
            part = range(begin, min(begin + 1000, count))
            self.put("first", [{"run": self._runs[n], "value": chain_input(n)} for n in part])

    def wait(self, timeout: float) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:

            def done() -> bool:
                return connection.execute(self.unfinished.encode()).fetchone() == (0,)

            eventually(connection, done, timeout)

    def verify(self) -> dict[str, Any]:
        """Every output right and there once; three jobs a run, each in its first attempt."""
        count = len(self._runs)
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            rows = connection.execute(
                "select run, output from public.bench_results where run between %s and %s order by run",
                [self._runs.start, self._runs.stop - 1],
            ).fetchall()
        wanted = [(self._runs[n], chain_output(n)) for n in range(count)]
        require(rows == wanted, f"{count} outputs are not as they must be; there are {len(rows)}")
        done, again = self._counts()
        require(done - self._done_before == 3 * count, f"{done - self._done_before} jobs, not {3 * count}")
        require(again == 0, f"{again} jobs took more than one attempt")
        return {"units": 3 * count}

    def fan(self, size: int, runs: int) -> dict[str, Any]:
        """Start a parent job, wait until every child has stored its result, gather."""
        seconds = 0.0
        for _ in range(runs):
            run = self._next
            self._next += 1
            began = time.perf_counter()
            self.put("parent", [{"run": run, "size": size}])
            values = self._gather(run, size)
            output = {"count": len(values), "sum": sum(value["n"] for value in values)}
            seconds += time.perf_counter() - began
            require(output == fan_output(size), f"a fan-out of {size} gave {output}")
        self.wait(60)
        return {"seconds": seconds, "units": runs * size}

    def latency(self, count: int, gap: tuple[float, float], warm_up: int) -> dict[str, Any]:
        taken = []
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            for number in range(warm_up + count):
                time.sleep(random.uniform(*gap))  # noqa: S311 - not for secrets
                run = self._next
                self._next += 1
                value = chain_input(number)
                began = time.perf_counter()
                self.put("echo", [{"run": run, "value": value}])
                output = self._result(connection, run)
                taken.append((time.perf_counter() - began) * 1000)
                require(output == value, f"run {number} gave {output}")
        return {"ms": taken[warm_up:]}

    def start(self, count: int, batch: int) -> dict[str, Any]:
        """One call after another; the first one, which connects, is not counted."""
        self.put("first", [{"run": 0, "value": chain_input(0)}] * batch)
        began = time.perf_counter()
        for begin in range(0, count, batch):
            self.put("first", [{"run": begin + n, "value": chain_input(begin + n)} for n in range(batch)])
        seconds = time.perf_counter() - began
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            row = connection.execute(self.unfinished.encode()).fetchone()
        require(row == (count + batch,), f"{row} jobs were started, not {count + batch}")
        return {"seconds": seconds}

    def _gather(self, run: int, size: int) -> list[dict[str, Any]]:
        with psycopg.connect(self._dsn, autocommit=True) as connection:

            def done() -> bool:
                query = "select count(*) from public.bench_results where run = %s"
                return connection.execute(query, [run]).fetchone() == (size,)

            eventually(connection, done, 300)
            query = "select output from public.bench_results where run = %s order by position"
            return [row[0] for row in connection.execute(query, [run])]

    def _result(self, connection: psycopg.Connection[Any], run: int) -> Any:
        """Look every millisecond: such queues tell nobody that a job is done."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            row = connection.execute(
                "select output from public.bench_results where run = %s", [run]
            ).fetchone()
            if row is not None:
                return row[0]
            time.sleep(0.001)
        raise TimeoutError(f"run {run}")

    def _counts(self) -> tuple[int, int]:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            row = connection.execute(self.finished_attempts.encode()).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])


def encode(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload).encode()
