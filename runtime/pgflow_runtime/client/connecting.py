"""How a client comes by its database, and how its life begins and ends; both twins, by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from pgflow_runtime import forks
from pgflow_runtime.database.dsn import normalize, resolve_dsn
from pgflow_runtime.errors import UsageError
from pgflow_runtime.project import find_project

if TYPE_CHECKING:
    from pgflow_runtime.database.embedded import EmbeddedServer

ClientT = TypeVar("ClientT", bound="AsyncConnectable")


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Options of ``connect``, which explains them."""

    max_connections: int = 4
    poll_only: bool = False
    connect_timeout: float = 10.0

    def __post_init__(self) -> None:
        if self.max_connections < 1:
            raise UsageError(f"max_connections must be at least 1, got {self.max_connections}")
        if self.connect_timeout <= 0:
            raise UsageError(f"connect_timeout must be positive, got {self.connect_timeout}")


def _target(dsn: str | None) -> tuple[str | None, EmbeddedServer | None]:
    """The connection string, or the project's embedded server when nothing names a database."""
    if dsn is not None:
        return normalize(dsn), None
    found = resolve_dsn()
    if found.conninfo is not None:
        return found.conninfo, None
    from pgflow_runtime.database.embedded import (
        EmbeddedServer,  # needs a Unix system, which a client does not
    )

    return None, EmbeddedServer(find_project().root)


class AsyncConnectable:
    """``connect``, ``aclose`` and ``async with``."""

    _embedded: EmbeddedServer | None = None

    def __init__(self, conninfo: str, options: ClientOptions) -> None:
        raise NotImplementedError

    async def _open(self) -> None:
        raise NotImplementedError

    def forked(self) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError

    @classmethod
    def connect(
        cls,
        dsn: str | None = None,
        *,
        max_connections: int = 4,
        poll_only: bool = False,
        connect_timeout: float = 10.0,
    ) -> AsyncConnecting[Self]:
        """``async with Client.connect(dsn) as client``, or ``client = await Client.connect(dsn)``.

        Args:
            dsn: a URL or libpq string; else PGFLOW_DSN, PGFLOW_DSN_FILE, DATABASE_URL, libpq's
                variables, else the project's embedded server, which then runs as long as the client.
            max_connections: size of the pool; waiting for runs needs one connection more.
            poll_only: no LISTEN and no prepared statements, for poolers in transaction mode.
            connect_timeout: seconds to wait for a connection of the pool.

        Raises (when awaited or entered):
            InvalidDsn, ConnectionFailed, CoreMissing, CoreTooOld, CoreTooNew.
        """
        return AsyncConnecting(cls, dsn, ClientOptions(max_connections, poll_only, connect_timeout))

    @classmethod
    async def _connected(cls, dsn: str | None, options: ClientOptions) -> Self:
        conninfo, embedded = _target(dsn)
        if embedded is not None:
            await asyncio.to_thread(embedded.acquire)
            conninfo = embedded.conninfo
        assert conninfo is not None
        client = cls(conninfo, options)
        client._embedded = embedded
        forks.tell(client)
        try:
            await client._open()
        except BaseException:
            await client.aclose()
            raise
        return client

    async def aclose(self) -> None:
        """End all waits, close all connections. May be called again."""
        try:
            await self._close()
        finally:
            embedded, self._embedded = self._embedded, None
            if embedded is not None:
                await asyncio.to_thread(embedded.release)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class AsyncConnecting(Generic[ClientT]):
    """A client that is not connected yet: await it, or enter it."""

    def __init__(self, kind: type[ClientT], dsn: str | None, options: ClientOptions) -> None:
        self._kind = kind
        self._dsn = dsn
        self._options = options
        self._client: ClientT | None = None

    def __await__(self) -> Generator[Any, None, ClientT]:
        return self._kind._connected(self._dsn, self._options).__await__()

    async def __aenter__(self) -> ClientT:
        self._client = await self._kind._connected(self._dsn, self._options)
        return self._client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class Connectable:
    """``connect``, ``close`` and ``with``."""

    _embedded: EmbeddedServer | None = None

    def __init__(self, conninfo: str, options: ClientOptions) -> None:
        raise NotImplementedError

    def _open(self) -> None:
        raise NotImplementedError

    def forked(self) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

    @classmethod
    def connect(
        cls,
        dsn: str | None = None,
        *,
        max_connections: int = 4,
        poll_only: bool = False,
        connect_timeout: float = 10.0,
    ) -> Self:
        """``with Client.connect(dsn) as client``; arguments and errors as of the asynchronous one."""
        options = ClientOptions(max_connections, poll_only, connect_timeout)
        conninfo, embedded = _target(dsn)
        if embedded is not None:
            embedded.acquire()
            conninfo = embedded.conninfo
        assert conninfo is not None
        client = cls(conninfo, options)
        client._embedded = embedded
        forks.tell(client)
        try:
            client._open()
        except BaseException:
            client.close()
            raise
        return client

    def close(self) -> None:
        """End all waits, close all connections. May be called again."""
        try:
            self._close()
        finally:
            embedded, self._embedded = self._embedded, None
            if embedded is not None:
                embedded.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
