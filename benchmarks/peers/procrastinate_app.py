"""The benchmark's jobs on procrastinate, and its worker.

Tuned: its guide on concurrency says to raise ``concurrency`` for asynchronous jobs, and to have that many
connections in the pool.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import procrastinate
import psycopg_pool
from psycopg.types.json import Jsonb

from benchmarks.peers.base import STORE, announce
from benchmarks.peers.protocol import chain_first, chain_second, chain_third

app = procrastinate.App(connector=procrastinate.PsycopgConnector())
results: psycopg_pool.AsyncConnectionPool[Any]
CONCURRENCY = {"defaults": 1, "tuned": 20}


async def defer(task: str, **payload: Any) -> None:
    await app.tasks[task].defer_async(**payload)


async def store(run: int, position: int, output: Any) -> None:
    async with results.connection() as connection:
        await connection.execute(STORE, [run, position, Jsonb(output)])


@app.task(name="first")
async def first(run: int, value: dict[str, Any]) -> None:
    await defer("second", run=run, value=chain_first(value))


@app.task(name="second")
async def second(run: int, value: dict[str, Any]) -> None:
    await defer("third", run=run, value=chain_second(value))


@app.task(name="third")
async def third(run: int, value: dict[str, Any]) -> None:
    await store(run, 0, chain_third(value))


@app.task(name="echo")
async def echo(run: int, value: dict[str, Any]) -> None:
    await store(run, 0, value)


@app.task(name="parent")
async def parent(run: int, size: int) -> None:
    await app.tasks["child"].batch_defer_async(*({"run": run, "n": n} for n in range(size)))


@app.task(name="child")
async def child(run: int, n: int) -> None:
    await store(run, n, {"n": n * n})


async def work(dsn: str, setting: str) -> None:
    """Serve until SIGTERM."""
    global results
    concurrency = CONCURRENCY[setting]
    sizes = {} if setting == "defaults" else {"min_size": 4, "max_size": concurrency + 4}
    connector = procrastinate.PsycopgConnector(conninfo=dsn, **sizes)
    # one statement a connection at a time: what handlers need for their results
    results = psycopg_pool.AsyncConnectionPool(
        dsn, min_size=1, max_size=concurrency, open=False, kwargs={"autocommit": True}
    )
    async with results:
        with app.replace_connector(connector), announce(dsn):
            async with app.open_async():
                await app.run_worker_async(concurrency=concurrency)


if __name__ == "__main__":
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    asyncio.run(work(arguments["--dsn"], arguments["--setting"]))
