"""What nobody foresaw ends neither the heartbeat nor the duties: the next beat, the next turn tries again."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgflow_runtime.worker.maintenance import heartbeat
from pgflow_runtime.worker.maintenance.duties import Duties
from tests.support.nobody import Nobody
from tests.support.wait import eventually


class Odd:
    """Fails with what is no error of the database."""

    name = "odd"
    statement_timeout = 5

    def __init__(self) -> None:
        self.turns = 0

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        self.turns += 1
        raise ValueError("an answer that cannot be read")

    def failed(self) -> float:
        return 0.01


class Even(Odd):
    name = "even"

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        assert connection.execute("select 1").fetchone() == (1,)
        self.turns += 1
        return 0.01


class Late(Even):
    """Done once, and then not for a long time."""

    name = "late"

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        return super().turn(connection) * 100_000


class Flows:
    """Nobody's, and for two beats not to be had."""

    all = ()

    def __init__(self) -> None:
        self.asked = 0

    @property
    def worker_ids(self) -> str:
        self.asked += 1
        if self.asked <= 2:
            raise ValueError("an answer that cannot be read")
        return "{}"


def test_a_duty_that_fails_oddly_has_its_next_turn_and_so_have_the_others(live_dsn: str) -> None:
    odd, even = Odd(), Even()
    duties = Duties(live_dsn, [odd, even], prepare=True)
    duties.start()
    eventually(lambda: odd.turns >= 3 and even.turns >= 3)
    duties.stop()


def test_a_duty_can_be_hurried(live_dsn: str) -> None:
    late = Late()
    duties = Duties(live_dsn, [late], prepare=True)
    duties.start()
    eventually(lambda: late.turns == 1)
    duties.hurry(late, 0)
    eventually(lambda: late.turns == 2)
    duties.stop()


def test_a_beat_that_fails_oddly_is_followed_by_the_next(
    live_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.05)
    flows: Any = Flows()
    beats = heartbeat.Heartbeat(live_dsn, flows, Nobody(), prepare=True)
    beats.start()
    eventually(lambda: flows.asked > 2 and beats.trouble is None)
    beats.stop()
    beats.join(10)
