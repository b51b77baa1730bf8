"""Schedules in memory: a clock that is moved on, fires at their times, and runs that they start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

import pytest

from pgflow_runtime import FIRE_DATE, FIRE_TIME, Flow, Sleep
from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing import run_flow, start_schedules


class Report(TypedDict):
    day: str
    at: str


report = Flow[Report]("report")


@report.step
def totals(flow_input: Report) -> str:
    return f"{flow_input['day']} {flow_input['at']}"


nightly = report.schedule(
    "nightly",
    cron="30 2 * * *",
    timezone="Europe/Berlin",
    input={"day": FIRE_DATE, "at": FIRE_TIME},
)

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2026, 3, 28, 12, tzinfo=BERLIN)

slow = Flow[None]("slow")


@slow.step
def begin() -> int:
    return 1


nap = Sleep(slow, "nap", seconds=5400, depends_on=[begin])
skipping = slow.schedule("skipping", every=3600, input=None)
queueing = slow.schedule("queueing", every=3600, input=None, overlap="queue", catch_up="all")
cancelling = slow.schedule("cancelling", every=3600, input=None, overlap="cancel_other")
missing = slow.schedule("missing", every=3600, input=None, overlap="allow", catch_up="none")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def hours(fires: list[datetime | None]) -> list[float | None]:
    """Hours after noon."""
    return [None if at is None else (at - NOON) / timedelta(hours=1) for at in fires]


async def test_a_fire_has_its_date_and_its_time_and_its_run_is_done() -> None:
    schedules = start_schedules(report, at=SPRING)
    assert schedules.next_fire(nightly) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # clocks skip 02:30
    await schedules.work(86_400 * 2)
    assert [fire.outcome for fire in schedules.fires] == ["started", "started"]
    assert [run.output for run in schedules.runs] == [
        {"totals": "2026-03-29 2026-03-29T01:00:00Z"},
        {"totals": "2026-03-30 2026-03-30T00:30:00Z"},
    ]
    assert schedules.now == SPRING.astimezone(UTC) + timedelta(days=2)


async def test_what_is_due_while_a_run_is_under_way() -> None:
    schedules = start_schedules(slow, at=NOON)
    await schedules.until(NOON + timedelta(hours=4))
    told = {
        slug: [(fire.outcome, *hours([fire.at])) for fire in schedules.fires if fire.schedule == slug]
        for slug in ("skipping", "cancelling")
    }
    assert told["skipping"] == [("started", 1), ("skipped", 2), ("started", 3), ("skipped", 4)]
    assert told["cancelling"] == [("started", 1), ("started", 2), ("started", 3), ("started", 4)]
    queued = [fire for fire in schedules.fires if (fire.schedule, fire.outcome) == ("queueing", "started")]
    assert hours([fire.at for fire in queued]) == [1, 2, 3]
    assert hours([fire.seen_at for fire in queued]) == [1, 2.5, 4]
    cancelled = [fire.run for fire in schedules.fires if fire.schedule == "cancelling"]
    assert [run.status for run in cancelled if run] == ["cancelled", "cancelled", "cancelled", "started"]
    assert cancelled[0] is not None
    assert cancelled[0].cancel_reason == 'the schedule "cancelling" has started another run'


async def test_what_nobody_was_there_for() -> None:
    schedules = start_schedules(slow, at=NOON)
    schedules.advance(3.5 * 3600)
    assert not schedules.fires
    await schedules.work(0)
    told = {fire.schedule: (fire.outcome, *hours([fire.at])) for fire in schedules.fires}
    assert told == {
        "skipping": ("started", 3),
        "queueing": ("queued", 2),
        "cancelling": ("started", 3),
        "missing": ("missed", None),
    }
    assert {fire.seen_at for fire in schedules.fires} == {NOON + timedelta(hours=3.5)}
    (run,) = [fire.run for fire in schedules.fires if fire.schedule == "skipping"]
    assert run is not None
    assert (run.step("begin").status, run.step("nap").status, run.elapsed) == ("completed", "started", 0)


async def test_years_are_passed_over_at_once() -> None:
    schedules = start_schedules(report, at=SPRING)
    schedules.advance(86_400 * 4000)
    await schedules.work(0)
    assert len(schedules.fires) == 1


async def test_a_schedule_is_paused_and_fired_by_hand() -> None:
    schedules = start_schedules(report, at=SPRING, replace=[totals.returns("done")])
    assert schedules.pause(nightly)
    assert not schedules.pause("nightly")
    await schedules.work(86_400 * 3)
    assert (len(schedules.fires), schedules.next_fire(nightly)) == (0, None)
    run = schedules.fire(nightly)
    await schedules.work(0)
    assert run.output == {"totals": "done"}
    assert run.input["day"] == "2026-03-31"
    assert schedules.resume(nightly)
    assert schedules.next_fire(nightly) == datetime(2026, 4, 1, 0, 30, tzinfo=UTC)


async def test_what_is_given_is_judged() -> None:
    with pytest.raises(UsageError, match="a time with a zone"):
        start_schedules(report, at=datetime(2026, 1, 1))
    schedules = start_schedules(report, at=SPRING)
    with pytest.raises(UsageError, match="no schedule 'night'") as error:
        schedules.pause("night")
    assert error.value.help == "did you mean 'nightly'?"
    with pytest.raises(UsageError, match="number of seconds"):
        schedules.advance(-1)
    with pytest.raises(UsageError, match="not before"):
        await schedules.until(SPRING - timedelta(days=1))
    plain = await run_flow(report, {"day": "x", "at": "y"})
    assert plain.output == {"totals": "x y"}
