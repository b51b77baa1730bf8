"""PGF227: a cron expression that is none, or that never fires."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Option
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_shared.cron import CronFault, read_cron

RULE = Rule(
    code="PGF227",
    title="cron expression is none, or never fires",
    text="""\
Five fields: minute, hour, day of the month, month, day of the week (Sunday is 0 or 7). Each is `*`, a number,
a range, a list of these, and ranges and `*` may have a step: `*/15`, `8-18/2`, `mon-fri`, `1,15`. Months and
weekdays have names of three letters. Where neither field of days begins with `*`, one of them is enough, as
in Vixie's cron. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are short for such fields. There are
no seconds, and no L, W, # and ?.""",
    bad="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("yearly", cron="0 6 30 2 *", input="all")
""",
    good="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("yearly", cron="0 6 28 2 *", input="all")
""",
)


def check(checked: CheckedFlow) -> None:
    for schedule in checked.flow.schedules:
        for option in schedule.options:
            if option.name == "cron" and isinstance(option.value, str):
                _check(checked, schedule, option, option.value)


def _check(checked: CheckedFlow, schedule: ScheduleSpec, option: Option, text: str) -> None:
    try:
        cron = read_cron(text)
    except CronFault as fault:
        _report(checked, schedule, option, fault.message, fault.help)
        return
    if not cron.ever_fires:
        help = "none of its months has such a day: choose another day of the month"
        _report(checked, schedule, option, f"{text!r} never fires", help)


def _report(
    checked: CheckedFlow, schedule: ScheduleSpec, option: Option, message: str, help: str | None
) -> None:
    checked.findings.add("PGF227", option.span, f"schedule {schedule.slug!r}: {message}", help=help)
