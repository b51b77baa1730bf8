"""A connection to a cluster, and another one where it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, Protocol, TypeVar

from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.logs import logger

_PAUSE: Final = 1.0
"""Seconds between two tries to connect again."""


class NotReached(PgflowError):
    """A cluster does not answer, or cannot be used."""


class Connection(Protocol):
    """To a cluster; one that was lost stays so."""

    @property
    def is_alive(self) -> bool: ...
    async def close(self) -> None: ...


T = TypeVar("T", bound=Connection)


class Reconnecting(Generic[T]):
    """Holds a connection. While the cluster is away tasks wait for it, and the log says so once.

    ``name``: the cluster's, for the log; ``connect`` raises NotReached while it is away.
    """

    def __init__(self, name: str, connect: Callable[[], Awaitable[T]]) -> None:
        self._name = name
        self._connect = connect
        self._connection: T | None = None
        self._connecting: asyncio.Task[T] | None = None

    async def open(self) -> None:
        """Connect for the first time. Raises NotReached."""
        self._connection = await self._connect()

    async def get(self) -> T:
        """The connection, as soon as there is one."""
        if self._connection is not None and self._connection.is_alive:
            return self._connection
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._again())
        return await asyncio.shield(self._connecting)

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    async def _again(self) -> T:
        logger.warning("%s was lost: tasks wait until it is back", self._name)
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        while True:
            try:
                self._connection = await self._connect()
                break
            except NotReached as error:
                logger.debug("%s is still away: %s", self._name, error)
                await asyncio.sleep(_PAUSE)
        logger.info("%s is back", self._name)
        return self._connection
