"""Shares of streams and of attempts."""

from __future__ import annotations

from pgflow_runtime.dashboard.access.fairness import (
    FREE_ATTEMPTS,
    LONGEST_WAIT,
    STREAMS,
    STREAMS_EACH,
    STREAMS_OF_ADDRESS,
    Attempts,
    Streams,
)


def opened(streams: Streams, session: str, ended: list[str]) -> bool:
    if not streams.may_enter(session):
        return False
    streams.enter(session, lambda: ended.append(session))
    return True


def test_one_session_has_its_share_and_no_more() -> None:
    streams, ended = Streams(), list[str]()
    assert sum(opened(streams, "in a", ended) for _ in range(STREAMS)) == STREAMS_EACH
    assert sum(opened(streams, "127.0.0.1", ended) for _ in range(STREAMS)) == STREAMS_OF_ADDRESS
    assert opened(streams, "in b", ended)
    assert ended == []


def test_where_all_are_taken_the_greediest_gives_way() -> None:
    streams, ended = Streams(), list[str]()
    for address in ("10.0.0.1", "10.0.0.2"):
        while streams.count < STREAMS and opened(streams, address, ended):
            continue
    assert streams.count == STREAMS
    assert opened(streams, "in a", ended)
    assert ended == ["10.0.0.1"]
    assert streams.count == STREAMS


def test_leaving_makes_room() -> None:
    streams = Streams()

    def end() -> None:
        raise AssertionError

    streams.enter("a", end)
    streams.leave("a", end)
    streams.leave("a", end)
    assert streams.count == 0


def test_attempts_are_slowed_down_and_then_refused() -> None:
    now = [100.0]
    attempts = Attempts(lambda: now[0])
    assert [attempts.wait("a") for _ in range(FREE_ATTEMPTS)] == [0.0] * FREE_ATTEMPTS
    waits = [attempts.wait("a") for _ in range(int(LONGEST_WAIT))]
    assert waits == [float(n) for n in range(1, 11)]
    assert attempts.wait("a") is None
    assert attempts.wait("b") == 0
    now[0] += 1
    assert attempts.wait("a") == LONGEST_WAIT
    now[0] += 3600
    assert attempts.wait("a") == 0


def test_a_right_token_costs_nothing() -> None:
    attempts = Attempts(lambda: 100.0)
    for _ in range(100):
        assert attempts.wait("a") == 0
        attempts.succeeded("a")
