"""PGF229: a schedule at a time that a clock change skips or shows twice."""

from __future__ import annotations

from datetime import datetime

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.time_zones import ClockChange, clock_changes, zone_names
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_shared.cron import Cron, CronFault, read_cron
from pgflow_shared.schedules import SCHEDULE_DEFAULTS

RULE = Rule(
    code="PGF229",
    title="schedule inside a clock change",
    text="""\
Where clocks are put forward, an hour is missing once a year, and one is there twice when they are put back.
A schedule with given hours fires once a day all the same: a missing time at the end of the gap, a time that
is there twice at the first of the two. Choose another hour, or UTC, if it has to be exactly that time. (A
schedule with `*` for the hour goes by real time: a missing hour is left out, one that is there twice counts
twice.)""",
    bad="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("nightly", cron="30 2 * * *", timezone="Europe/Berlin", input="all")
""",
    good="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("nightly", cron="30 4 * * *", timezone="Europe/Berlin", input="all")
""",
    severity="warning",
)


def check(checked: CheckedFlow) -> None:
    for schedule in checked.flow.schedules:
        cron, zone = _cron(schedule), schedule.option("timezone") or SCHEDULE_DEFAULTS["timezone"]
        if cron is None or cron.takes_every_hour or not isinstance(zone, str) or zone not in zone_names():
            continue
        found = _first(cron, zone)
        if found is not None:
            _report(checked, schedule, zone, *found)


def _cron(schedule: ScheduleSpec) -> Cron | None:
    text = schedule.option("cron")
    try:
        return read_cron(text) if isinstance(text, str) else None
    except CronFault:
        return None  # 227 tells


def _first(cron: Cron, zone: str) -> tuple[ClockChange, datetime] | None:
    """The first time of the schedule that falls into a clock change."""
    for change in clock_changes(zone):
        for wall in change.minutes():
            if (
                wall.minute in cron.minutes
                and wall.hour in cron.hours
                and cron.takes_day(wall.month, wall.day, wall.isoweekday() % 7)
            ):
                return change, wall
    return None


def _report(
    checked: CheckedFlow, schedule: ScheduleSpec, zone: str, change: ClockChange, wall: datetime
) -> None:
    option = next(option for option in schedule.options if option.name == "cron")
    day = f"on {wall:%Y-%m-%d}, for one"
    what, fires = (
        (f"is skipped {day}", f"it fires at {change.end:%H:%M} then")
        if change.is_gap
        else (f"is there twice {day}", "it fires at the first of them")
    )
    checked.findings.add(
        "PGF229",
        option.span,
        f"schedule {schedule.slug!r}: in {zone}, {wall:%H:%M} {what}",
        notes=[fires],
        help='choose another hour, or timezone="UTC", if that matters',
        severity="warning",
    )
