"""The benchmark's jobs on pgqueuer, and its worker.

Tuned: uvloop, a pool instead of one connection, and a larger batch, as its own benchmark tool does.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job

from benchmarks.peers.base import announce, encode
from benchmarks.peers.pgqueuer_driver import connection_arguments
from benchmarks.peers.protocol import chain_first, chain_second, chain_third

STORE = "insert into public.bench_results (run, position, output) values ($1, $2, $3)"
BATCH = {"defaults": 10, "tuned": 100}


def read(job: Job) -> dict[str, Any]:
    assert job.payload is not None
    payload: dict[str, Any] = json.loads(job.payload)
    return payload


def register(queue: PgQueuer, results: asyncpg.Pool) -> None:
    """The handlers: each reads its payload, and enqueues what comes next or stores what came out."""
    enqueue = queue.qm.queries.enqueue

    async def store(run: int, position: int, output: Any) -> None:
        await results.execute(STORE, run, position, json.dumps(output))

    @queue.entrypoint("first")
    async def first(job: Job) -> None:
        given = read(job)
        await enqueue("second", encode({"run": given["run"], "value": chain_first(given["value"])}))

    @queue.entrypoint("second")
    async def second(job: Job) -> None:
        given = read(job)
        await enqueue("third", encode({"run": given["run"], "value": chain_second(given["value"])}))

    @queue.entrypoint("third")
    async def third(job: Job) -> None:
        given = read(job)
        await store(given["run"], 0, chain_third(given["value"]))

    @queue.entrypoint("echo")
    async def echo(job: Job) -> None:
        given = read(job)
        await store(given["run"], 0, given["value"])

    @queue.entrypoint("parent")
    async def parent(job: Job) -> None:
        given = read(job)
        payloads: list[bytes | None] = [encode({"run": given["run"], "n": n}) for n in range(given["size"])]
        await enqueue(["child"] * len(payloads), payloads, [0] * len(payloads))

    @queue.entrypoint("child")
    async def child(job: Job) -> None:
        given = read(job)
        await store(given["run"], given["n"], {"n": given["n"] * given["n"]})


async def work(dsn: str, setting: str) -> None:
    """Serve until SIGTERM."""
    arguments = connection_arguments(dsn)
    async with asyncpg.create_pool(**arguments, min_size=1, max_size=10) as results:
        if setting == "defaults":
            queue = PgQueuer.from_asyncpg_connection(await asyncpg.connect(**arguments))
        else:
            pool = await asyncpg.create_pool(**arguments, min_size=4, max_size=10)
            queue = PgQueuer.from_asyncpg_pool(pool)
        register(queue, results)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, queue.shutdown.set)
        with announce(dsn):
            await queue.run(batch_size=BATCH[setting])


if __name__ == "__main__":
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    run = uvloop.run if given["--setting"] == "tuned" else asyncio.run
    run(work(given["--dsn"], given["--setting"]))
