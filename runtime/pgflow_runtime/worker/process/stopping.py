"""The end of a worker process: handlers finish, what ended is reported, the rest is released."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import psycopg

from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.process.parts import Parts
from pgflow_runtime.worker.protocol.rows import Fence
from pgflow_runtime.worker.protocol.statements import STOPPED, WITHDRAW
from pgflow_shared.text import counted

FAREWELL = 5.0
"""Seconds a stopping worker tries to reach a lost database before it leaves results to recovery."""


class Stopping:
    """Ends the parts one by one; a database that is away holds nothing up for long."""

    def __init__(self, parts: Parts, flows: ServedFlows) -> None:
        self._parts = parts
        self._flows = flows
        self._is_cut_off = False

    async def drain(self, seconds: float | None) -> bool:
        """Wait until no handler runs and none can be handed over any more; whether that came true in time."""
        empty = self._parts.running.empty
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await empty.wait()
                    if not await self._settled() or empty.is_set():
                        return True
        except TimeoutError:
            return False

    async def finish_tasks(self, grace_seconds: float) -> list[Fence]:
        """Let handlers end and report them; the attempts that are left, cancelled."""
        left: list[Fence] = []
        if not await self.drain(grace_seconds):
            left += await self._abandon()
        await self._settle()
        left += await self._abandon()  # what a call under way still brought
        if not self._is_cut_off:
            await self._settled()  # and what has ended of it, or while others were cancelled
        return left

    async def cancel(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """End the worker's own tasks, heartbeat and maintenance."""
        parts = list(tasks)
        for task in parts:
            task.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        self._parts.heartbeat.stop()
        self._parts.maintenance.stop()

    async def deregister(self, left: list[Fence]) -> None:
        """Release what is left, and say that this worker has stopped."""
        connection = self._parts.connections[0]
        asyncio.get_running_loop().call_later(FAREWELL, connection.give_up)
        try:
            if left:
                async with connection.lock:
                    count = await self._parts.core_calls.release(connection, left)
                logger.info("released %s", counted(count, "running task"))
            await connection.call(WITHDRAW, (self._flows.worker_ids,))
            await connection.call(STOPPED, (self._flows.worker_ids,))
        except (psycopg.Error, PgflowError) as error:
            logger.warning("could not deregister: %s", error)

    async def close(self) -> None:
        """Let go of threads, connections and the port."""
        self._parts.running.close()
        for elsewhere in self._parts.elsewhere.values():
            await elsewhere.close()
        await self._parts.handler_connections.close()
        for connection in self._parts.all_connections:
            await connection.close()
        if self._parts.health is not None:
            self._parts.health.stop()

    async def _abandon(self) -> list[Fence]:
        left = await self._parts.running.abandon()
        await self._parts.inputs.close()
        return left

    async def _settled(self) -> bool:
        """Wait until what ended is reported; False when the database cannot be reached for some seconds."""
        try:
            async with asyncio.timeout(FAREWELL):
                await self._parts.engine.settled.wait()
        except TimeoutError:
            self._is_cut_off = True
            return False
        return True

    async def _settle(self) -> None:
        """Report what waits; after some seconds without a database leave it to recovery."""
        if not self._is_cut_off and await self._settled():
            return
        for connection in self._parts.all_connections:
            connection.give_up()
        self._parts.engine.drop_held()
        await self._settled()
