"""After a lost connection: give back tasks the database started for us in an answer that never arrived."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from pgflow_runtime.worker.dispatch.engine import Engine
from pgflow_runtime.worker.dispatch.exchange import Exchange
from pgflow_runtime.worker.dispatch.link import Link
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.tasks.executor import Executor


async def reconcile(lanes: Sequence[Link], engine: Engine, executor: Executor, exchange: Exchange) -> None:
    """Release the started tasks of this worker that it does not know.

    All lanes are held meanwhile, so that no answer is under way whose tasks would be mistaken for lost ones.
    """
    async with contextlib.AsyncExitStack() as held:
        for lane in lanes:
            await held.enter_async_context(lane.lock)
        lost = await exchange.started(lanes[0]) - executor.fences - engine.unsettled_fences()
        if lost:
            count = await exchange.release(lanes[0], sorted(lost))
            logger.info("gave back %s tasks whose claim was lost with the connection", count)
    engine.wake()
