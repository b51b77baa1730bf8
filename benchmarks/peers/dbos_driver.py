"""The driver of DBOS: enqueues the workflows of ``dbos_app.py`` with its client."""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import psycopg
import sqlalchemy
from dbos import DBOS, DBOSClient

from benchmarks.peers.base import eventually, until_serving
from benchmarks.peers.dbos_app import QUEUE, VERSION, launch, url
from benchmarks.peers.protocol import chain_input, chain_output, fan_output, require, serve

_OPEN = "select count(*) from dbos.workflow_status where status in ('ENQUEUED', 'PENDING', 'DELAYED')"
_ATTEMPTS = """
select count(*) filter (where status = 'SUCCESS'), coalesce(max(recovery_attempts), 0)
from dbos.workflow_status where workflow_uuid = any(%s)
"""
_STEPS = "select count(*) from dbos.operation_outputs where workflow_uuid = any(%s)"


class DbosDriver:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._handles: list[Any] = []
        self._made: DBOSClient | None = None
        self._engine = sqlalchemy.create_engine(self._url, pool_size=1)

    @property
    def _url(self) -> str:
        return url(self._dsn).replace("postgresql://", "postgresql+psycopg://")

    @property
    def _client(self) -> DBOSClient:
        if self._made is None:
            self._made = DBOSClient(system_database_url=url(self._dsn))
        return self._made

    def setup(self) -> None:
        """DBOS makes its tables when an application starts."""
        launch(self._dsn, "defaults")
        DBOS.destroy()

    def until_serving(self, processes: int, timeout: float) -> None:
        until_serving(self._dsn, processes, timeout)

    def enqueue(self, flow: str, count: int) -> None:
        require(flow == "chain", f"there is no {flow} here")
        self._handles = [self._start("chain", chain_input(n)) for n in range(count)]

    def wait(self, timeout: float) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:

            def done() -> bool:
                return connection.execute(_OPEN).fetchone() == (0,)

            eventually(connection, done, timeout)

    def verify(self) -> dict[str, Any]:
        """Every output right; each workflow once, with three steps."""
        ids = [handle.get_workflow_id() for handle in self._handles]
        for number, handle in enumerate(self._handles):
            output = handle.get_result()
            require(output == chain_output(number), f"run {number} gave {output}")
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            row = connection.execute(_ATTEMPTS, [ids]).fetchone()
            require(row == (len(ids), 1), f"workflows done, most attempts are {row}, not {(len(ids), 1)}")
            steps = connection.execute(_STEPS, [ids]).fetchone()
        require(steps == (3 * len(ids),), f"{steps} steps, not {3 * len(ids)}")
        return {"units": 3 * len(ids)}

    def fan(self, size: int, runs: int) -> dict[str, Any]:
        began = time.perf_counter()
        for _ in range(runs):
            output = self._start("fan", size).get_result(polling_interval_sec=0.02)
            require(output == fan_output(size), f"a fan-out of {size} gave {output}")
        return {"seconds": time.perf_counter() - began, "units": runs * size}

    def latency(self, count: int, gap: tuple[float, float], warm_up: int) -> dict[str, Any]:
        """The client looks for the result every millisecond, not every second as by default."""
        taken = []
        for number in range(warm_up + count):
            time.sleep(random.uniform(*gap))  # noqa: S311 - not for secrets
            value = chain_input(number)
            began = time.perf_counter()
            output = self._start("echo", value).get_result(polling_interval_sec=0.001)
            taken.append((time.perf_counter() - began) * 1000)
            require(output == value, f"run {number} gave {output}")
        return {"ms": taken[warm_up:]}

    def start(self, count: int, batch: int) -> dict[str, Any]:
        """One call each, or that many calls in a transaction, which is the only batch there is."""
        self._start_all(range(batch))
        began = time.perf_counter()
        for begin in range(0, count, batch):
            self._start_all(range(begin, begin + batch))
        seconds = time.perf_counter() - began
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            row = connection.execute(_OPEN).fetchone()
        require(row == (count + batch,), f"{row} workflows were started, not {count + batch}")
        return {"seconds": seconds}

    def _start_all(self, numbers: range) -> None:
        if len(numbers) == 1:
            self._start("chain", chain_input(numbers[0]))
            return
        with self._engine.begin() as connection:
            for n in numbers:
                self._client.enqueue_in_transaction(connection, self._options("chain"), chain_input(n))

    def _start(self, workflow: str, value: Any) -> Any:
        return self._client.enqueue(self._options(workflow), value)

    def _options(self, workflow: str) -> Any:
        return {"queue_name": QUEUE, "workflow_name": workflow, "app_version": VERSION}


if __name__ == "__main__":
    serve(DbosDriver(sys.argv[1]))
