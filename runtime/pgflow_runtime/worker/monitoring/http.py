"""A very small HTTP server in a thread of its own: GET and HEAD of a few paths, one request a connection.

It reads 8 KiB of head at most and no body, waits five seconds for a slow peer, serves sixteen at a time, and
answers only to its own name (see ``hosts``).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

from pgflow_runtime.errors import UsageError
from pgflow_runtime.forks import OpenFile, keep
from pgflow_runtime.hosts import is_known
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.loop import own_loop

MOST_HEAD: Final = 8192
"""Bytes of request line and headers."""
MOST_CONNECTIONS: Final = 16
PATIENCE: Final = 5.0
"""Seconds for the request to arrive, and again for the answer to be taken."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    text: str
    content_type: str = "text/plain; charset=utf-8"


Route: TypeAlias = Callable[[], Awaitable[Reply]]


class HttpServer:
    """Serves ``routes`` by path from ``start`` to ``stop``."""

    def __init__(
        self, host: str, port: int, routes: Mapping[str, Route], allowed_hosts: Collection[str] = ()
    ) -> None:
        self._host = host
        self._allowed_hosts = frozenset(name.lower() for name in (host, *allowed_hosts))
        self._port = port
        self._routes = routes
        self._peers: set[asyncio.StreamWriter] = set()
        self._bound: Future[int] = Future()
        self._stop: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="pgflow-health", daemon=True)

    def start(self) -> int:
        """Bind and begin; returns the port, which matters where 0 asked for any.

        Raises:
            UsageError: host and port cannot be bound.
        """
        self._thread.start()
        try:
            return self._bound.result()
        except (OSError, OverflowError, UnicodeError) as error:
            raise UsageError(
                f"cannot listen on {self._host} port {self._port}: {error}",
                help="give another --health-port or --health-host; of several processes each takes a port",
            ) from error

    def stop(self) -> None:
        """End at once; may be called without ``start`` and again."""
        with contextlib.suppress(RuntimeError):  # it has ended
            self._stop()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=own_loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        """Until ``stop``; the end of the loop cancels whoever is being served."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            server = await asyncio.start_server(self._serve, self._host, self._port, limit=MOST_HEAD)
        except Exception as error:
            self._bound.set_exception(error)
            return
        files = [OpenFile(socket.fileno) for socket in server.sockets]
        for file in files:
            keep(file)
        self._stop = lambda: loop.call_soon_threadsafe(ended.set)
        self._bound.set_result(int(server.sockets[0].getsockname()[1]))
        await ended.wait()
        server.close()
        for writer in self._peers:
            writer.transport.abort()
        await asyncio.sleep(0)  # in which they are closed

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.add(writer)
        file = OpenFile(writer.get_extra_info("socket").fileno)
        keep(file)
        try:
            reply, has_body = Reply(503, "too many connections\n"), True
            if len(self._peers) <= MOST_CONNECTIONS:
                async with asyncio.timeout(PATIENCE):
                    reply, has_body = await self._answer(reader)
            writer.write(_bytes_of(reply, has_body=has_body))
            async with asyncio.timeout(PATIENCE):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # whoever asked is slow or gone
        finally:
            self._peers.discard(writer)
            writer.transport.abort()

    def _is_addressed(self, head: bytes) -> bool:
        """Whether it is us who were asked; who is no browser need not say whom."""
        names = [
            text.strip().decode("latin-1")
            for name, _, text in (line.partition(b":") for line in head.split(b"\r\n")[1:])
            if name.strip().lower() == b"host"
        ]
        return len(names) <= 1 and all(is_known(name, self._allowed_hosts) for name in names)

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[Reply, bool]:
        """The reply, and whether its body is wanted."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return Reply(431, "the request's head is too large\n"), True
        parts = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            return Reply(400, "that is no HTTP request\n"), True
        method, target, _ = parts
        if not self._is_addressed(head):
            return Reply(421, "not under this name; allow it with --health-allowed-hosts\n"), True
        if method not in ("GET", "HEAD"):
            return Reply(405, "only GET and HEAD\n"), True
        route = self._routes.get(target.partition("?")[0])
        if route is None:
            return Reply(404, f"there is {' and '.join(self._routes)}\n"), method == "GET"
        try:
            return await route(), method == "GET"
        except Exception:
            logger.exception("the answer to %s failed", target)
            return Reply(500, "failed\n"), method == "GET"


def _bytes_of(reply: Reply, *, has_body: bool) -> bytes:
    body = reply.text.encode()
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if reply.status == 405:
        lines.append("Allow: GET, HEAD")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body if has_body else b"")
