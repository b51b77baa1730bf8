"""The small HTTP server against well-behaved, clumsy and hostile peers."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from pgflow_runtime.worker.monitoring import http as server_module
from pgflow_runtime.worker.monitoring.http import MOST_CONNECTIONS, HttpServer, Reply
from tests.support.wait import eventually


def hello() -> Reply:
    return Reply(200, "hello\n")


def broken() -> Reply:
    raise RuntimeError("no luck")


@pytest.fixture
def port() -> Iterator[int]:
    server = HttpServer("127.0.0.1", 0, {"/hello": hello, "/broken": broken})
    yield server.start()
    server.stop()


def talk(port: int, data: bytes) -> bytes:
    """Everything the server says to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall(data)
        return everything(peer)


def everything(peer: socket.socket) -> bytes:
    said = b""
    while True:
        try:
            piece = peer.recv(65_536)
        except ConnectionResetError:
            return said
        if not piece:
            return said
        said += piece


def request(port: int, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, {key.lower(): text for key, text in reply.getheaders()}, reply.read()
    finally:
        connection.close()


def test_get_and_head(port: int) -> None:
    status, headers, body = request(port, "GET", "/hello?x=1")
    assert (status, body) == (200, b"hello\n")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["connection"] == "close"
    status, headers, body = request(port, "HEAD", "/hello")
    assert (status, headers["content-length"], body) == (200, "6", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_other_methods(port: int, method: str) -> None:
    status, headers, _ = request(port, method, "/hello")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


def test_other_paths(port: int) -> None:
    assert request(port, "GET", "/")[0] == 404
    assert request(port, "GET", "/hello/../hello")[0] == 404


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ((b"localhost",), 200), ((b"LOCALHOST:9100",), 200), ((b"127.0.0.1:80",), 200), ((b"[::1]:80",), 200),
        ((b"10.1.2.3",), 200), ((), 200), ((b"worker.internal:9100",), 200),
        ((b"evil.example",), 421), ((b"127.0.0.1.evil.example",), 421), ((b"localhost@evil.example",), 421),
        ((b"",), 421), ((b"localhost", b"evil.example"), 421),
    ],
)  # fmt: skip
def test_only_known_names_are_answered_to(names: tuple[bytes, ...], status: int) -> None:
    server = HttpServer("127.0.0.1", 0, {"/hello": hello}, ["Worker.internal"])
    head = b"GET /hello HTTP/1.1\r\n" + b"".join(b"hOst:" + name + b"\r\n" for name in names) + b"\r\n"
    try:
        assert talk(server.start(), head).startswith(b"HTTP/1.1 %d " % status)
    finally:
        server.stop()


def test_an_answer_that_fails_is_500_and_not_the_end(port: int) -> None:
    assert request(port, "GET", "/broken")[0] == 500
    assert request(port, "GET", "/hello")[0] == 200


@pytest.mark.parametrize(
    "data", [b"\r\n\r\n", b"GET\r\n\r\n", b"GET /hello FTP/1\r\n\r\n", b"\xff\x00 \x16\r\n\r\n"]
)
def test_what_is_no_http(port: int, data: bytes) -> None:
    assert talk(port, data).startswith(b"HTTP/1.1 400 ")


def test_a_head_that_is_too_large(port: int) -> None:
    said = talk(port, b"GET /hello HTTP/1.1\r\nx: " + b"y" * 100_000)
    assert said == b"" or said.startswith(b"HTTP/1.1 431 ")  # cut off while it still sends
    assert request(port, "GET", "/hello")[0] == 200


def test_a_peer_that_says_nothing_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE", 0.1)
    assert talk(port, b"GET /hel") == b""


def test_a_peer_that_never_ends_its_request_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE", 0.1)
    with socket.create_connection(("127.0.0.1", port), timeout=0.01) as peer, suppress(ConnectionError):
        peer.sendall(b"GET /hello HTTP/1.1\r\nx: ")
        while True:
            peer.sendall(b"y")
            with suppress(TimeoutError):
                assert peer.recv(1) == b""
                break


def test_a_host_of_several_addresses_is_served_at_each() -> None:
    server = HttpServer("localhost", 0, {"/hello": hello})
    port = server.start()
    try:
        for _, _, _, _, address in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
            with socket.create_connection((str(address[0]), port), timeout=20) as peer:
                peer.sendall(b"GET /hello HTTP/1.1\r\n\r\n")
                assert everything(peer).endswith(b"hello\n")
    finally:
        server.stop()


def test_a_peer_that_goes_half_way(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall(b"GET /hello HTTP/1.1\r\n")
        peer.shutdown(socket.SHUT_WR)
        assert everything(peer) == b""
    assert request(port, "GET", "/hello")[0] == 200


def test_only_so_many_at_a_time(port: int) -> None:
    with ExitStack() as stack:
        peers = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for _ in range(MOST_CONNECTIONS)
        ]
        eventually(lambda: talk(port, b"GET /hello HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503 "))
        peers[0].sendall(b"GET /hello HTTP/1.1\r\n\r\n")
        assert everything(peers[0]).endswith(b"hello\n")
    eventually(lambda: request(port, "GET", "/hello")[0] == 200)


def test_stop_may_be_called_at_any_time() -> None:
    server = HttpServer("127.0.0.1", 0, {"/hello": hello})
    server.stop()
    port = server.start()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        assert request(port, "GET", "/hello")[0] == 200  # so the first peer has been let in, too
        server.stop()
        assert everything(peer) == b""
    server.stop()
