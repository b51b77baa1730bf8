"""The LISTEN connection: learns within milliseconds that a flow of this process has work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, sql

from pgflow_runtime.database import LISTENER, aconnect
from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.database.store import from_psycopg
from pgflow_runtime.worker.dispatch.idle import Idle
from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.protocol.failure import headline

CONTROL: Final = "pgflow_control"
"""The channel on which every worker is told, with a flow's slug, that tasks of it may count no more."""


async def listen(
    conninfo: str, flows: ServedFlows, idle: Idle, wake: Callable[[], None], look: Callable[[], None]
) -> None:
    """Call ``wake`` when there is work, ``look`` when tasks may count no more, until cancelled.

    Reconnects when the connection is lost.

    ``idle.is_listening`` tells whether notifications can arrive; while they cannot, the worker polls.
    """
    backoff = Backoff()
    while True:
        try:
            async with await aconnect(conninfo, LISTENER) as connection:
                await _subscribe(connection, flows)
                backoff.reset()
                idle.is_listening = True
                wake()  # what came before this moment was not heard
                slugs = {flow.slug for flow in flows.all}
                async for notification in connection.notifies():
                    if notification.channel != CONTROL:
                        wake()
                    elif notification.payload in slugs:
                        look()
        except (psycopg.Error, OSError) as error:
            reason = from_psycopg(error, conninfo) if isinstance(error, psycopg.Error) else error
            logger.warning("not listening for notifications: %s", reason)
        except Exception as error:
            logger.error("not listening for notifications: %s", headline(error), exc_info=error)
        finally:
            idle.is_listening = False
        wake()  # the pace of looking has changed
        await asyncio.sleep(backoff.pause())


async def _subscribe(connection: AsyncConnection[Any], flows: ServedFlows) -> None:
    await connection.execute(f"listen {CONTROL}")
    for flow in flows.all:
        channel = sql.Identifier(f"pgflow_work_{flow.slug.lower()}")
        await connection.execute(sql.SQL("listen {}").format(channel))
