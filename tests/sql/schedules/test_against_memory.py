"""Random lives of a schedule: the core and the test kit's engine see to each fire in the same way.

`--schedules N` tells N of them, `--schedule-seed N` others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.schedules import TimedSchedule
from tests.support.core import Core
from tests.support.timers import fire

HOUR = timedelta(hours=1)
LIVES = 20
"""Random lives for 300 schedules of the other tests."""


class Remembered:
    """The runs that the engine has started: when, and whether each is under way."""

    def __init__(self) -> None:
        self.runs: list[list[Any]] = []

    def is_one_open(self) -> bool:
        return any(is_open for _, is_open in self.runs)

    def cancel_open(self, reason: str) -> None:
        for run in self.runs:
            run[1] = False

    def start(self, fire_at: datetime) -> None:
        self.runs.append([fire_at, True])


class Life:
    """One schedule in both. In the database time passes by moving all that was back."""

    def __init__(self, core: Core, random: Random) -> None:
        self.core, self.random = core, random
        self.passed = timedelta()
        self.spec = {
            "every": 3_600,
            "timezone": "UTC",
            "overlap": random.choice(("allow", "skip", "queue", "cancel_other")),
            "catch_up": random.choice(("none", "latest", "all")),
        }
        core.flow("f", "a")
        core.run_sql("select pgflow.create_schedule('f', 's', %s, '1')", Jsonb(self.spec))
        self.memory, self.runs = TimedSchedule("s", self.spec, self.now()), Remembered()
        self.log: list[object] = [self.spec]

    def now(self) -> datetime:
        return self.core.clock().astimezone(UTC) + self.passed

    def go_on(self) -> None:
        for _ in range(25):
            acts = (
                self.pass_time,
                self.pass_time,
                self.pass_time,
                self.end_runs,
                self.fire_by_hand,
                self.rest,
            )
            act = self.random.choice(acts)
            self.log.append(act.__name__)
            act()
            self.look()
            self.compare()

    def pass_time(self) -> None:
        hours = self.random.choice((1, 1, 1, 2, 5, 130))
        self.log.append(hours)
        self.passed += hours * HOUR
        for table, column in (("schedules", "next_fire"), ("schedules", "last_fire"), ("origins", "fire_at")):
            self.core.run_sql(f"update pgflow.{table} set {column} = {column} - %s", hours * HOUR)

    def end_runs(self) -> None:
        self.core.run_sql(
            "select count(*) from pgflow.cancel_runs("
            "array(select run_id from pgflow.runs where status = 'started' limit 1000))"
        )
        self.runs.cancel_open("")

    def fire_by_hand(self) -> None:
        self.core.run_sql("select pgflow.fire_schedule('f', 's')")
        self.memory.fire(self.now().replace(minute=1), self.runs)

    def rest(self) -> None:
        """It is paused, or resumed."""
        if self.memory.is_paused:
            assert self.core.value("select pgflow.resume_schedule('f', 's')") is self.memory.resume(
                self.now()
            )
        else:
            assert self.core.value("select pgflow.pause_schedule('f', 's')") is self.memory.pause()

    def look(self) -> None:
        self.core.run_sql("update pgflow.timers set due_at = clock_timestamp() where kind = 'schedule'")
        fire(self.core)
        self.memory.look(self.now(), self.runs)

    def compare(self) -> None:
        row = self.core.row("select * from pgflow.schedules")
        found = (row.last_outcome, self.moved(row.last_fire), self.moved(row.next_fire))
        memory = self.memory
        assert found == (memory.last_outcome, memory.last_fire, memory.next_fire), self.log
        rows = self.core.rows(
            "select o.fire_at, r.status from pgflow.origins o join pgflow.runs r using (run_id)"
            " where o.kind = 'schedule'"
        )
        told = sorted((self.hour(self.moved(row.fire_at)), row.status == "started") for row in rows)
        assert told == sorted((self.hour(at), is_open) for at, is_open in self.runs.runs), self.log

    def moved(self, at: datetime | None) -> datetime | None:
        return None if at is None else at.astimezone(UTC) + self.passed

    @staticmethod
    def hour(at: datetime | None) -> tuple[str, str]:
        """A fire by the clock, or by hand."""
        assert at is not None
        return at.strftime("%j %H"), "clock" if at == at.replace(
            minute=0, second=0, microsecond=0
        ) else "hand"


def test_both_see_to_fires_alike(core: Core, pytestconfig: pytest.Config) -> None:
    first = pytestconfig.getoption("--schedule-seed")
    for seed in range(first, first + pytestconfig.getoption("--schedules") * LIVES // 300):
        with core.connection.transaction(force_rollback=True):
            try:
                Life(core, Random(f"life {seed}")).go_on()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {error}") from error
