"""The driver of pgqueuer: enqueues the jobs of ``pgqueuer_worker.py``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from psycopg.conninfo import conninfo_to_dict

from benchmarks.peers.base import JobQueueDriver, encode
from benchmarks.peers.protocol import serve


def connection_arguments(dsn: str) -> dict[str, Any]:
    """libpq's words as asyncpg's."""
    given = conninfo_to_dict(dsn)
    return {
        "host": given["host"],
        "port": int(str(given["port"])),
        "user": given["user"],
        "database": given["dbname"],
    }


class PgQueuerDriver(JobQueueDriver):
    unfinished = "select count(*) from pgqueuer"
    finished_attempts = """
    select count(*) filter (where status = 'successful'),
      count(*) filter (where status in ('exception', 'canceled', 'failed'))
        + count(*) filter (where status = 'picked') - count(distinct job_id) filter (where status = 'picked')
    from pgqueuer_log
    """

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._runner = asyncio.Runner()
        connection = self._runner.run(self._connect())
        self._queries = Queries(AsyncpgDriver(connection))

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(**connection_arguments(self._dsn))

    def install(self) -> None:
        self._runner.run(self._queries.install())

    def put(self, task: str, payloads: Sequence[dict[str, Any]]) -> None:
        self._runner.run(self._put(task, [encode(payload) for payload in payloads]))

    async def _put(self, task: str, payloads: list[bytes | None]) -> None:
        if len(payloads) == 1:
            await self._queries.enqueue(task, payloads[0])
        else:
            await self._queries.enqueue([task] * len(payloads), payloads, [0] * len(payloads))


if __name__ == "__main__":
    serve(PgQueuerDriver(sys.argv[1]))
