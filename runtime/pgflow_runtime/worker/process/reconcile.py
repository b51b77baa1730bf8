"""After a lost connection: give back tasks the database started for us in an answer that never arrived."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from pgflow_runtime.worker.dispatch.core_calls import CoreCalls
from pgflow_runtime.worker.dispatch.core_connection import CoreConnection
from pgflow_runtime.worker.dispatch.engine import Engine
from pgflow_runtime.worker.logs import logger
from pgflow_shared.text import counted


async def reconcile(connections: Sequence[CoreConnection], engine: Engine, core_calls: CoreCalls) -> None:
    """Release the started tasks of this worker that it does not know.

    The connections of all dispatchers are held meanwhile, so that no answer is under way whose tasks would be
    mistaken for lost ones.
    """
    async with contextlib.AsyncExitStack() as held:
        for connection in connections:
            await held.enter_async_context(connection.lock)
        lost = await core_calls.started(connections[0]) - engine.running.fences - engine.unsettled_fences()
        if lost:
            count = await core_calls.release(connections[0], sorted(lost))
            logger.info("released %s whose claim was lost with the connection", counted(count, "task"))
    engine.wake()
