"""Schedules made by clients, and looked at, paused, resumed and fired by clients and commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pgflow_runtime import FIRE_DATE, FIRE_TIME
from pgflow_runtime.errors import InvalidInput, OddArgument, UnknownFlow, UsageError
from tests.support.core import Core, connect
from tests.support.orders import AsyncClient, add_order
from tests.support.project import Project


@pytest.fixture
def hand(plain_database_dsn: str) -> Iterator[Core]:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        add_order(core)
        yield core


@pytest.fixture
def dsn(hand: Core, plain_database_dsn: str) -> str:
    return plain_database_dsn


async def test_a_schedule_is_made_changed_fired_and_dropped(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        await client.create_order_schedule(
            "nightly", {"order_id": FIRE_DATE}, cron="30 2 * * mon-fri", timezone="Europe/Berlin"
        )
        (found,) = await client.list_schedules("order")
        assert (found.schedule_slug, found.when) == ("nightly", "30 2 * * mon-fri (Europe/Berlin)")
        assert found.next_fire is not None
        assert found.input == {"order_id": None}
        run_id = await client.fire_schedule("order", "nightly")
        day = hand.value("select input ->> 'order_id' from pgflow.runs where run_id = %s", run_id)
        assert len(day) == len("2026-03-01")

        await client.create_order_schedule("nightly", {"order_id": FIRE_TIME}, every=90)
        (found,) = await client.list_schedules()
        assert (found.when, found.last_run_id) == ("every 90 s", run_id)
        assert await client.pause_schedule("order", "nightly") is True
        assert await client.pause_schedule("order", "nightly") is False
        assert (await client.list_schedules())[0].next_fire is None
        assert await client.resume_schedule("order", "nightly") is True
        assert await client.drop_schedule("order", "nightly") is True
        assert await client.drop_schedule("order", "nightly") is False
        with pytest.raises(UnknownFlow, match="has no schedule"):
            await client.fire_schedule("order", "nightly")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "either cron or every"),
        ({"cron": "* * * * *", "every": 5}, "either cron or every"),
        ({"cron": "61 * * * *"}, "61 is no minute"),
        ({"cron": "* * * *"}, "has 4 fields"),
    ],
)
async def test_a_time_that_is_none_is_refused(
    dsn: str, hand: Core, options: dict[str, Any], said: str
) -> None:
    async with AsyncClient.connect(dsn) as client:
        with pytest.raises(UsageError, match=said):
            await client.create_order_schedule("s", {"order_id": "1"}, **options)


async def test_its_input_and_its_zone_are_judged(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        with pytest.raises(InvalidInput, match=r"input\.order_id: "):
            await client.create_order_schedule("s", {"order_id": 5}, every=60)
        with pytest.raises(OddArgument):
            await client.create_order_schedule("s", {"order_id": "1"}, every=60, timezone="Mars/Olympus")
        assert await client.list_schedules() == []


async def test_commands(dsn: str, hand: Core, tmp_path: Path) -> None:
    project = Project.make(tmp_path, {})
    nothing = project.ok("schedules", "list", "--dsn", dsn)
    assert (nothing.stdout, nothing.stderr) == ("", "there are no schedules\n")
    async with AsyncClient.connect(dsn) as client:
        await client.create_order_schedule("nightly", {"order_id": "1"}, cron="@daily")
    line = project.ok("schedules", "list", "--flow", "order", "--dsn", dsn).stdout
    assert line.startswith("order.nightly  @daily (UTC)  next 2")
    assert line.endswith("  never fired\n")
    assert project.ok("schedules", "pause", "order", "nightly", "--dsn", dsn).stdout == "paused nightly\n"
    again = project.ok("schedules", "pause", "order", "nightly", "--dsn", dsn)
    assert (again.stdout, again.stderr) == ("", "schedule 'nightly' of flow 'order' was paused before\n")
    assert "  paused  " in project.ok("schedules", "list", "--dsn", dsn).stdout
    done = project.ok("schedules", "resume", "order", "nightly", "--json", "--dsn", dsn)
    assert json.loads(done.stdout) == {"schedule": "nightly", "outcome": "resumed"}
    run_id = UUID(project.ok("schedules", "fire", "order", "nightly", "--dsn", dsn).stdout.strip())
    assert hand.run(run_id).status == "started"
    (row,) = json.loads(project.ok("schedules", "list", "--json", "--dsn", dsn).stdout)
    assert (row["last_run_id"], row["last_outcome"]) == (str(run_id), "started")
    unknown = project.run("schedules", "fire", "order", "nothing", "--dsn", dsn)
    assert (unknown.returncode, "has no schedule" in unknown.stderr) == (1, True)
