"""What a handler's context gets where there is no worker around it: a connection of its own, opened there.

A connection lasts for one task. Handlers that run elsewhere take their time, and a cluster's nodes should
hold no sessions of the database in between.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, Connection

from pgflow_runtime.database import HANDLER, aconnect, connect
from pgflow_runtime.database.store import from_psycopg
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.executors.packed import PackedTask
from pgflow_runtime.worker.protocol.statements import RUN_INPUT
from pgflow_runtime.worker.tasks.connections import IDLE, HandlerConnections, idle_limit
from pgflow_runtime.worker.tasks.inputs import RunInputs

_PREPARED_AFTER: Final = 5


class ConnectionsThere(HandlerConnections):
    """One connection for a task, closed at its end."""

    def __init__(self, conninfo: str, *, prepare: bool) -> None:
        self._conninfo = conninfo
        self._prepare_threshold = _PREPARED_AFTER if prepare else None

    def take(self, seconds: int) -> Connection[Any]:
        connection = connect(self._conninfo, HANDLER, prepare_threshold=self._prepare_threshold)
        try:
            connection.execute(IDLE, idle_limit(connection, seconds))
            connection.autocommit = False
        except BaseException:
            connection.close()
            raise
        return connection

    def give_back(self, connection: Connection[Any]) -> None:
        connection.close()

    async def atake(self, seconds: int) -> AsyncConnection[Any]:
        connection = await aconnect(self._conninfo, HANDLER, prepare_threshold=self._prepare_threshold)
        try:
            await connection.execute(IDLE, idle_limit(connection, seconds))
            await connection.set_autocommit(False)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def agive_back(self, connection: AsyncConnection[Any]) -> None:
        await connection.close()


class InputsThere(RunInputs):
    """What the worker has sent along; the run's input is fetched where a context asks for it."""

    def __init__(self, task: PackedTask) -> None:
        self._task = task

    async def get(self, run_id: str, step_slug: str | None = None) -> str:
        return await asyncio.to_thread(self.get_in_thread, run_id, step_slug)

    def get_in_thread(self, run_id: str, step_slug: str | None = None) -> str:
        sent = self._task.flow_input if step_slug is None else self._task.others
        return self._fetched(run_id) if sent is None else sent

    def _fetched(self, run_id: str) -> str:
        try:
            with connect(self._task.dsn, HANDLER) as connection:
                row = connection.execute(RUN_INPUT, (run_id,)).fetchone()
        except psycopg.Error as error:
            raise from_psycopg(error, self._task.dsn) from error
        if row is None or row[0] is None:
            raise PgflowError(f"run {run_id} is gone")
        return str(row[0])
