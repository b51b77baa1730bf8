"""Peers that keep the dashboard waiting, against a real uvicorn: they are closed, and nobody else is."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pgflow_runtime.dashboard.access import patience
from pgflow_runtime.dashboard.access.patience import Patient


async def _hello(request: Request) -> Response:
    return PlainTextResponse(f"hello {len(await request.body())}")


async def _large(_: Request) -> Response:
    return PlainTextResponse("x" * 50_000_000)


async def _long(request: Request) -> Response:
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return PlainTextResponse("gone")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    for name in ("HEAD_SECONDS", "SILENCE_SECONDS", "BODY_SECONDS"):
        monkeypatch.setattr(patience, name, 0.3)
    monkeypatch.setattr(patience, "CONNECTIONS", 4)
    listener = socket.create_server(("127.0.0.1", 0))
    routes = [
        Route("/", _hello, methods=["GET", "POST"]),
        Route("/large", _large),
        Route("/long", _long),
    ]
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=routes), http=Patient, log_config=None, timeout_keep_alive=30)
    )
    thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listener]),))
    thread.start()
    yield int(listener.getsockname()[1])
    server.should_exit = server.force_exit = True
    thread.join(20)


class Peer:
    def __init__(self, port: int, sent: bytes = b"") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(sent)

    def answer(self) -> bytes:
        """All that comes until nothing is missing of a small answer, or it is closed."""
        said = b""
        try:
            while b"hello" not in said and (piece := self.socket.recv(65_536)):
                said += piece
        except ConnectionResetError:
            pass
        return said

    def is_closed(self) -> bool:
        """Waits for it."""
        try:
            while self.socket.recv(65_536):
                continue
        except ConnectionResetError:
            pass
        return True


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GE",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        GET + b"GET / HT",
    ],
)
def test_half_a_request_is_closed(port: int, half: bytes) -> None:
    assert Peer(port, half).is_closed()
    assert b"hello 0" in Peer(port, GET).answer()


def test_a_body_that_drips_for_ever_is_closed(port: int) -> None:
    peer = Peer(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
    closed = threading.Event()

    def drip() -> None:
        try:
            while not closed.wait(0.05):
                peer.socket.sendall(b"x")
        except OSError:
            pass

    thread = threading.Thread(target=drip)
    thread.start()
    assert peer.is_closed()
    closed.set()
    thread.join()


def test_an_answer_that_nobody_takes_is_given_up(port: int) -> None:
    peer = Peer(port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    others = Peer(port, GET)
    assert b"hello" in others.answer()
    assert peer.socket.recv(10)
    threading.Event().wait(1.5)  # in which it takes nothing
    taken = 10
    try:
        while piece := peer.socket.recv(1_000_000):
            taken += len(piece)
    except ConnectionResetError:
        pass
    assert taken < 50_000_000


def test_a_connection_that_waits_makes_room_for_a_newcomer(port: int) -> None:
    idle = [Peer(port, GET) for _ in range(4)]
    for peer in idle:
        assert b"hello" in peer.answer()
    assert b"hello" in Peer(port, GET).answer()
    assert idle[0].is_closed()
    idle[3].socket.sendall(GET)
    assert b"hello" in idle[3].answer()


def test_connections_at_work_are_not_given_up_for_a_newcomer(port: int) -> None:
    busy = [Peer(port, b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(4)]
    # until all four are at work, a newcomer may still get one of their places
    while b"hello" in Peer(port, GET).answer():
        busy.append(Peer(port, b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n"))
    busy[-1].socket.close()
    while b"hello" not in Peer(port, GET).answer():
        continue


def test_whoever_is_quick_is_let_alone(port: int) -> None:
    peer = Peer(port)
    for _ in range(20):
        peer.socket.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert b"hello 3" in peer.answer()
