"""PGF228: a time zone that does not exist."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.time_zones import zone_names
from pgflow_shared.text import closest

RULE = Rule(
    code="PGF228",
    title="unknown time zone",
    text="""\
A schedule's `timezone` is a name of the IANA database, `"Europe/Berlin"` or `"UTC"`, in its own spelling.
Abbreviations like CET say nothing of summer time in other places, and offsets like +01:00 nothing of it at
all. The server must know the zone too; it is asked when the migration runs.""",
    bad="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("nightly", cron="0 6 * * *", timezone="Europe/Berlinn", input="all")
""",
    good="""\
from pgflow_runtime import Flow

report = Flow[str]("report")


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("nightly", cron="0 6 * * *", timezone="Europe/Berlin", input="all")
""",
)


def check(checked: CheckedFlow) -> None:
    for schedule in checked.flow.schedules:
        for option in schedule.options:
            name = option.value
            if option.name != "timezone" or not isinstance(name, str) or name in zone_names():
                continue
            near = closest(name, zone_names())
            checked.findings.add(
                "PGF228",
                option.span,
                f"schedule {schedule.slug!r}: there is no time zone {name!r}",
                help=f"did you mean {near!r}?" if near else 'write a name such as "Europe/Berlin" or "UTC"',
            )
