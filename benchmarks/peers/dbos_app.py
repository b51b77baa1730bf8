"""The benchmark's workflows on DBOS, and its worker.

Tuned: its guide on queues names ``worker_concurrency`` and ``polling_interval_sec``, its configuration the
pool's size.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from dbos import DBOS, DBOSConfig
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import URL

from benchmarks.peers.base import announce
from benchmarks.peers.protocol import chain_first, chain_second, chain_third

NAME = "bench"
QUEUE = "bench"
VERSION = "1"


@DBOS.step()
def first(value: dict[str, Any]) -> dict[str, Any]:
    return chain_first(value)


@DBOS.step()
def second(value: dict[str, Any]) -> dict[str, Any]:
    return chain_second(value)


@DBOS.step()
def third(value: dict[str, Any]) -> dict[str, Any]:
    return chain_third(value)


@DBOS.workflow()
def chain(value: dict[str, Any]) -> dict[str, Any]:
    return third(second(first(value)))


@DBOS.step()
def answer(value: dict[str, Any]) -> dict[str, Any]:
    return value


@DBOS.workflow()
def echo(value: dict[str, Any]) -> dict[str, Any]:
    return answer(value)


@DBOS.workflow()
def square(element: dict[str, int]) -> dict[str, int]:
    return {"n": element["n"] * element["n"]}


@DBOS.workflow()
def fan(size: int) -> dict[str, int]:
    """The documented way: enqueue the children, then gather their results."""
    handles = [DBOS.enqueue_workflow(QUEUE, square, {"n": n}) for n in range(size)]
    results = [handle.get_result() for handle in handles]
    return {"count": len(results), "sum": sum(item["n"] for item in results)}


def url(dsn: str) -> str:
    """libpq's words as SQLAlchemy's URL."""
    given = conninfo_to_dict(dsn)
    query = {"host": str(given["host"]), "port": str(given["port"])}
    made = URL.create("postgresql", username=str(given["user"]), database=str(given["dbname"]), query=query)
    return made.render_as_string(hide_password=False)


def config(dsn: str, setting: str) -> DBOSConfig:
    made: DBOSConfig = {
        "name": NAME,
        "system_database_url": url(dsn),
        "application_version": VERSION,
    }
    if setting == "tuned":
        made |= {"sys_db_pool_size": 40, "log_level": "ERROR"}
    return made


def launch(dsn: str, setting: str) -> None:
    DBOS(config=config(dsn, setting))
    DBOS.launch()
    if setting == "tuned":
        DBOS.register_queue(
            QUEUE, worker_concurrency=40, polling_interval_sec=0.02, on_conflict="always_update"
        )
    else:
        DBOS.register_queue(QUEUE, on_conflict="always_update")


if __name__ == "__main__":
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    launch(arguments["--dsn"], arguments["--setting"])
    with announce(arguments["--dsn"]):
        ended.wait()
    os._exit(0)  # its executor's threads would keep the process for a minute
