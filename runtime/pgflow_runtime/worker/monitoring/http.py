"""``http.server`` within limits: GET, HEAD and POST of a few paths, one request a connection, a thread each.

Of a request 8 KiB at most are read, and nobody looks at the body; a slow peer is waited for five seconds,
sixteen are served at a time, and only who asks in our own name is answered (see ``hosts``).
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from time import monotonic
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from pgflow_runtime.errors import UsageError
from pgflow_runtime.forks import keep
from pgflow_runtime.hosts import is_known
from pgflow_runtime.worker.logs import logger

MOST_HEAD: Final = 8192
"""Bytes of request line and headers."""
MOST_CONNECTIONS: Final = 16
PATIENCE: Final = 5.0
"""Seconds for the request to arrive, and again for the answer to be taken."""
_STOP_SECONDS: Final = 0.2
"""Until ``stop`` is noticed, at the latest."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    text: str
    content_type: str = "text/plain; charset=utf-8"


Route: TypeAlias = Callable[[], Reply]
PostRoute: TypeAlias = Callable[[str], Reply]
"""Is given the header Authorization; empty: there is none."""


class HttpServer:
    """Serves ``routes`` by path from ``start`` to ``stop``, on all addresses of ``host``."""

    def __init__(
        self,
        host: str,
        port: int,
        routes: Mapping[str, Route],
        allowed_hosts: Collection[str] = (),
        posts: Mapping[str, PostRoute] | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._site = _Site(routes, posts or {}, frozenset(name.lower() for name in (host, *allowed_hosts)))
        self._listeners: list[_Listener] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> int:
        """Bind and begin; returns the port, which matters where 0 asked for any.

        Raises:
            UsageError: host and port cannot be bound.
        """
        port = self._port
        try:
            for family, address in _addresses(self._host, port):
                self._listeners.append(_Listener(family, (address[0], port, *address[2:]), self._site))
                port = self._listeners[0].server_address[1]
        except (OSError, OverflowError, UnicodeError) as error:
            self.stop()
            raise UsageError(
                f"cannot listen on {self._host} port {self._port}: {error}",
                help="give another --health-port or --health-host; of several processes each takes a port",
            ) from error
        for listener in self._listeners:
            thread = threading.Thread(
                target=listener.serve_forever, args=(_STOP_SECONDS,), name="pgflow-health", daemon=True
            )
            thread.start()
            self._threads.append(thread)
        return port

    def stop(self) -> None:
        """End at once, also what is being served; may be called without ``start`` and again."""
        listeners, self._listeners = self._listeners, []
        if self._threads:
            for listener in listeners:
                listener.shutdown()
        for listener in listeners:
            listener.server_close()
        self._site.hang_up()


class _Site:
    """What all connections share."""

    def __init__(
        self, routes: Mapping[str, Route], posts: Mapping[str, PostRoute], names: frozenset[str]
    ) -> None:
        self.routes = routes
        self.posts = posts
        self._names = names
        self._peers: set[socket.socket] = set()
        self._lock = threading.Lock()

    def admit(self, peer: socket.socket) -> bool:
        """Whether there is room for one more."""
        keep(peer)
        with self._lock:
            if len(self._peers) >= MOST_CONNECTIONS:
                return False
            self._peers.add(peer)
            return True

    def forget(self, peer: socket.socket) -> None:
        with self._lock:
            self._peers.discard(peer)

    def hang_up(self) -> None:
        with self._lock:
            for peer in self._peers:
                with suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)

    def is_addressed(self, names: list[str]) -> bool:
        """Whether it is us who were asked; who is no browser need not say whom."""
        return len(names) <= 1 and all(is_known(name.strip(), self._names) for name in names)


class _Listener(ThreadingHTTPServer):
    request_queue_size = 64

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...], site: _Site) -> None:
        self.address_family = family
        self.site = site
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without the look-up of our own name, which may take seconds."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        TCPServer.server_bind(self)
        keep(self.socket)

    def verify_request(self, request: Any, client_address: object) -> bool:
        if self.site.admit(request):
            return True
        with suppress(OSError):
            request.settimeout(0)
            request.send(
                b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\ntoo many connections\n"
            )
        return False

    def shutdown_request(self, request: Any) -> None:
        self.site.forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        logger.exception("the health port failed to answer")


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = default_request_version = request_version = "HTTP/1.1"
    command = requestline = ""

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Head(self.connection), MOST_HEAD)

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked is slow or gone
            try:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline.strip():
                    self.send_error(400)
                elif self.parse_request():
                    self._send(self._reply())
            except _TooLarge:
                self.send_error(431)

    def _reply(self) -> Reply:
        assert isinstance(self.server, _Listener)
        site = self.server.site
        if not site.is_addressed(self.headers.get_all("host", [])):
            return Reply(421, "not under this name; allow it with --health-allowed-hosts\n")
        path = self.path.partition("?")[0]
        post = site.posts.get(unquote(path)) if self.command == "POST" else None
        if post is None and self.command not in ("GET", "HEAD"):
            return Reply(405, "only GET and HEAD\n")
        route = site.routes.get(path)
        if post is None and route is None:
            return Reply(404, f"there is {' and '.join(site.routes)}\n")
        try:
            if post is not None:
                self._pass_over_body()
                return post(self.headers.get("authorization", ""))
            assert route is not None
            return route()
        except Exception:
            logger.exception("the answer to %s failed", self.path)
            return Reply(500, "failed\n")

    def _pass_over_body(self) -> None:
        """What is not read would end the connection before the answer is."""
        length = self.headers.get("content-length", "0")
        left = min(int(length), MOST_HEAD) if length.isascii() and length.isdigit() else 0
        with suppress(OSError, _TooLarge):
            while left > 0 and (piece := self.rfile.read1(left)):
                left -= len(piece)

    def _send(self, reply: Reply) -> None:
        body = reply.text.encode()
        self.connection.settimeout(PATIENCE)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        if reply.status == 405:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no request, in a line of text."""
        self._send(Reply(code, f"{message or self.responses[code][0]}\n"))

    def version_string(self) -> str:
        """Nobody need know."""
        return "pgflow"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: whoever looks every few seconds is no news."""


class _TooLarge(Exception):
    pass


class _Head(io.RawIOBase):
    """What a peer sends, up to a size and for a time. Raises _TooLarge, TimeoutError, ConnectionError."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._left = MOST_HEAD
        self._until = monotonic() + PATIENCE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise _TooLarge
        self._peer.settimeout(max(self._until - monotonic(), 0.001))
        count = self._peer.recv_into(memoryview(buffer)[: self._left])
        if not count:
            raise ConnectionError("the peer went half way")
        self._left -= count
        return count


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    """Where ``host`` is, each once."""
    infos = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in infos))
