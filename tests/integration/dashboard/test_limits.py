"""What people without a token can make the dashboard do: very little, and not for long."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil  # type: ignore[import-untyped]
import pytest

from pgflow_runtime.dashboard.access.fairness import STREAMS_EACH
from tests.support.dashboard import Dashboard, running
from tests.support.worker_lab import Lab

TOKEN = "a token that nobody guesses"
MEGABYTE = 1_000_000


@pytest.fixture
def guarded(shared_lab: Lab) -> Iterator[Dashboard]:
    env = {"PGFLOW_DASHBOARD_TOKEN": TOKEN}
    with running(shared_lab.project, shared_lab.dsn, shared_lab.folder, "--allow-start", env=env) as found:
        yield found


def session_of(dashboard: Dashboard) -> dict[str, str]:
    answer = dashboard.ask("/login", form={"token": TOKEN})
    assert answer.status == 303, answer.text
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}


def chunked_login(port: int, size: int) -> bytes:
    """What is said to a form of the door of this size, sent in pieces until it is refused."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        said = b""
        try:
            peer.sendall(
                b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
            )
            piece = b"token=" + b"x" * 65_530
            for _ in range(size // len(piece)):
                peer.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            said = peer.recv(1000)
        except OSError:
            pass  # it was closed while we were still sending
        return said


def test_large_forms_at_the_door_take_no_memory(guarded: Dashboard) -> None:
    process = psutil.Process(guarded.process.pid)
    assert guarded.ask("/login").status == 200
    before = process.memory_info().rss
    port = guarded.port
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: chunked_login(port, 15 * MEGABYTE), range(20)))
    assert all(answer == b"" or answer.startswith(b"HTTP/1.1 413 ") for answer in answers)
    assert process.memory_info().rss - before < 40 * MEGABYTE
    assert guarded.ask("/runs", headers=session_of(guarded)).status == 200


def test_streams_of_one_session_leave_those_of_others(shared_lab: Lab, guarded: Dashboard) -> None:
    run_id = shared_lab.start("chain", 1)
    opened: list[http.client.HTTPConnection] = []

    def stream(headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=30)
        opened.append(connection)
        connection.request("GET", f"/runs/{run_id}/events", headers={"Host": "localhost", **headers})
        response = connection.getresponse()
        if response.status == 200:
            response.readline()  # it is counted from its first line on
        return response.status

    try:
        assert stream({}) == 401
        greedy = session_of(guarded)
        statuses = [stream(greedy) for _ in range(STREAMS_EACH + 3)]
        assert statuses == [200] * STREAMS_EACH + [503] * 3
        assert stream(session_of(guarded)) == 200
        with_token = {"Authorization": f"Bearer {TOKEN}"}
        assert stream(with_token) == 200
    finally:
        for connection in opened:
            connection.close()


def test_many_guesses_at_once_are_refused(guarded: Dashboard) -> None:
    session = session_of(guarded)
    with ThreadPoolExecutor(60) as pool:
        guesses = pool.map(lambda _: guarded.ask("/runs", headers={"Authorization": "Bearer no"}), range(60))
        statuses = [answer.status for answer in guesses]
    assert statuses.count(429) >= 20
    # the door is shut to that address for a while, and not for who is in already
    assert guarded.ask("/runs", headers={"Authorization": f"Bearer {TOKEN}"}).status == 429
    assert guarded.ask("/runs", headers=session).status == 200
    with ThreadPoolExecutor(40) as pool:
        forms = pool.map(lambda _: guarded.ask("/login", form={"token": "no"}).status, range(40))
    assert 429 in list(forms)


def test_people_who_say_nothing_shut_nobody_out(guarded: Dashboard) -> None:
    session = session_of(guarded)
    with ExitStack() as stack:
        for _ in range(450):
            stack.enter_context(socket.create_connection(("127.0.0.1", guarded.port), timeout=20))
        assert guarded.ask("/runs", headers=session).status == 200
