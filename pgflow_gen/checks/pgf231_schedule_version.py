"""PGF231: a schedule on a version of a flow that is not the highest."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis

RULE = Rule(
    code="PGF231",
    title="schedule on an older version of its flow",
    text="""\
A schedule belongs to a flow in all its versions and starts runs of the highest one, which is the only one to
declare it. Move it there when a new version stands beside the old one; its pause and its last fire stay.""",
    bad="""\
from pgflow_runtime import Flow

report = Flow[str]("report")
report_v2 = Flow[str]("report", version=2)


@report.step(slug="write")
def write_v1(flow_input: str) -> str:
    return flow_input


@report_v2.step
def write(flow_input: str) -> int:
    return len(flow_input)


report.schedule("nightly", cron="0 6 * * *", input="all")
""",
    good="""\
from pgflow_runtime import Flow

report = Flow[str]("report")
report_v2 = Flow[str]("report", version=2)


@report.step(slug="write")
def write_v1(flow_input: str) -> str:
    return flow_input


@report_v2.step
def write(flow_input: str) -> int:
    return len(flow_input)


report_v2.schedule("nightly", cron="0 6 * * *", input="all")
""",
)


def check_project(analysis: Analysis, findings: Findings) -> None:
    highest: dict[str, int] = {}
    for flow in analysis.flows:
        highest[flow.slug] = max(flow.version, highest.get(flow.slug, flow.version))
    for flow in analysis.flows:
        if flow.version == highest[flow.slug]:
            continue
        for schedule in flow.schedules:
            findings.add(
                "PGF231",
                schedule.span,
                f"schedule {schedule.slug!r} is on version {flow.version} of flow {flow.slug!r}, which has a"
                " higher one",
                help=f"move it to version {highest[flow.slug]}",
            )
