"""The driver of procrastinate: defers the jobs of ``procrastinate_app.py``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import procrastinate

from benchmarks.peers import procrastinate_app
from benchmarks.peers.base import JobQueueDriver
from benchmarks.peers.protocol import serve


class ProcrastinateDriver(JobQueueDriver):
    unfinished = "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
    finished_attempts = """
    select count(*) filter (where status = 'succeeded'),
      count(*) filter (where attempts > 1 or status = 'failed')
    from procrastinate_jobs
    """

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        connector = procrastinate.SyncPsycopgConnector(conninfo=dsn, min_size=1, max_size=1)
        self._app = procrastinate_app.app
        self._replaced = self._app.replace_connector(connector)  # for as long as this process lives
        self._replaced.__enter__()
        self._app.open()

    def install(self) -> None:
        self._app.schema_manager.apply_schema()

    def put(self, task: str, payloads: Sequence[dict[str, Any]]) -> None:
        deferrer = self._app.tasks[task]
        if len(payloads) == 1:
            deferrer.defer(**payloads[0])
        else:
            deferrer.batch_defer(*payloads)


if __name__ == "__main__":
    serve(ProcrastinateDriver(sys.argv[1]))
