"""PGF226: a schedule that does not say when, or with an option of the wrong value."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_shared.schedules import SCHEDULE_OPTIONS

RULE = Rule(
    code="PGF226",
    title="schedule without a time or an input, or with a wrong option",
    text="""\
`flow.schedule("nightly", cron="30 2 * * *", input=...)` starts runs at the times of a cron expression, or
every so many seconds: exactly one of `cron` and `every` is written, and the input that runs start with.
`overlap` says what a fire does while an earlier run is open ("allow", "skip", "queue", "cancel_other"; by
default "skip"), `catch_up` which fires are made up for that nobody was there for ("none", "latest", "all"; by
default "latest"). A flow has each slug once.""",
    bad="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("nightly", input="all")
""",
    good="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("nightly", cron="30 2 * * *", input="all")
""",
)


def check(checked: CheckedFlow) -> None:
    seen: dict[str, ScheduleSpec] = {}
    for schedule in checked.flow.schedules:
        first = seen.setdefault(schedule.slug, schedule)
        if first is not schedule and schedule.slug:
            checked.findings.add(
                "PGF226",
                schedule.span,
                f"flow {checked.flow.slug!r} has a schedule {schedule.slug!r} already",
                notes=[f"the first is at {first.span.path}:{first.span.line}"],
                help="give one of them another slug",
            )
        _check_options(checked, schedule)
        _check_time(checked, schedule)


def _check_options(checked: CheckedFlow, schedule: ScheduleSpec) -> None:
    for option in schedule.options:
        fault = SCHEDULE_OPTIONS[option.name].fault(option.value)
        if fault is None and option.name in ("cron", "timezone") and not isinstance(option.value, str):
            fault = f"must be a string, not {option.value!r}", None
        if fault is not None:
            message, help = fault
            checked.findings.add(
                "PGF226", option.span, f"schedule {schedule.slug!r}: {option.name} {message}", help=help
            )


def _check_time(checked: CheckedFlow, schedule: ScheduleSpec) -> None:
    if not schedule.unread.isdisjoint({"cron", "every", "*"}):
        return
    given = [option for option in schedule.options if option.name in ("cron", "every")]
    if len(given) == 2:
        checked.findings.add(
            "PGF226",
            given[1].span,
            f"schedule {schedule.slug!r} has both cron and every",
            help="write one of them",
        )
    elif not given:
        checked.findings.add(
            "PGF226",
            schedule.span,
            f"schedule {schedule.slug!r} does not say when it fires",
            help='write cron="30 2 * * *", or every=SECONDS',
        )
