"""A client whose database is away just when it is to say how a run ended."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from pgflow_runtime.errors import RunFailed
from tests.support.core import Core, connect
from tests.support.crawl import LINES, AsyncClient
from tests.support.server import Server, name_of


async def test_a_known_failure_is_told_without_the_database(
    postgres_server: Server, plain_database_dsn: str
) -> None:
    with connect(plain_database_dsn) as connection:
        hand = Core(connection)
        hand.flow("crawl", *LINES, max_attempts=1)
        async with AsyncClient.connect(plain_database_dsn, connect_timeout=0.5) as client:
            run = await client.start_crawl({"urls": ["a"]})
            hand.poll("crawl", 100)
            hand.fail_task(run.run_id, "note", 0, "no")
            assert await run.wait_for("failed") == "failed"
            _close_doors(postgres_server, plain_database_dsn)
            with pytest.raises(RunFailed, match="in step 'note': no") as failure:
                await run.result()
            assert failure.value.step_slug == "note"


def _close_doors(server: Server, dsn: str) -> None:
    """End all sessions of a database and let none begin."""
    name = name_of(dsn)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("alter database {} allow_connections false").format(sql.Identifier(name)))
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
