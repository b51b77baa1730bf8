"""PGF230: a schedule's input that is none of its flow's."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.values import value_fault

RULE = Rule(
    code="PGF230",
    title="schedule's input does not fit its flow",
    text="""\
A schedule starts runs with its `input`, which therefore has to be of the flow's input type: all required
keys, each with a value of its type, and no others. `FIRE_DATE` and `FIRE_TIME` stand where a string is asked
for: the date of the fire in the schedule's zone, and its time in UTC.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import FIRE_DATE, Flow


class Report(TypedDict):
    day: str
    pages: int


report = Flow[Report]("report")


@report.step
def write(flow_input: Report) -> str:
    return flow_input["day"]


report.schedule("daily", cron="0 6 * * *", input={"day": FIRE_DATE})
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import FIRE_DATE, Flow


class Report(TypedDict):
    day: str
    pages: int


report = Flow[Report]("report")


@report.step
def write(flow_input: Report) -> str:
    return flow_input["day"]


report.schedule("daily", cron="0 6 * * *", input={"day": FIRE_DATE, "pages": 10})
""",
)


def check(checked: CheckedFlow) -> None:
    for schedule in checked.flow.schedules:
        if checked.flow.input is None or not schedule.unread.isdisjoint({"input", "*"}):
            continue
        if schedule.input_span is None:  # 226 told
            continue
        marked = frozenset((*schedule.dates, *schedule.times))
        fault = value_fault(checked.judge, checked.types, schedule.input, checked.flow.input, marked)
        if fault is not None:
            checked.findings.add(
                "PGF230",
                schedule.input_span,
                f"input of schedule {schedule.slug!r}: {fault}",
                notes=[checked.flow_note()],
                help=f"flow {checked.flow.slug!r} takes {checked.flow.input}",
            )
