"""PGF210: two flows that would be one in the database."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis, FlowSpec

RULE = Rule(
    code="PGF210",
    title="two flows have the same slug",
    text="""\
The slug is the flow's name in the database and its queue's: `crawl` for version 1, `crawl_v2` for
version 2 and so on. It has to be unique in a project, also without regard to case (queues' names are
folded to lower case). The later flow is reported, by path and then by line.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")
crawl_again = Flow[str]("Crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl_again.step
def fetch_again(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")
crawl_again = Flow[str]("crawl", version=2)


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl_again.step
def fetch_again(flow_input: str) -> str:
    return flow_input
""",
)


def check_project(analysis: Analysis, findings: Findings) -> None:
    first: dict[str, FlowSpec] = {}
    for flow in sorted(analysis.flows, key=lambda flow: flow.span):
        other = first.setdefault(flow.db_slug.lower(), flow)
        if other is flow:
            continue
        same = flow.db_slug == other.db_slug
        clash = (
            f"the slug {flow.db_slug!r}" if same else f"slugs that differ in case only ({other.db_slug!r})"
        )
        findings.add(
            "PGF210",
            flow.span,
            f"flow {flow.db_slug!r} and another flow have {clash}",
            notes=[f"the other flow is defined at {other.span.path}:{other.span.line}"],
            help=f"rename one of them, or make this one version={_next_version(analysis, flow)}"
            if flow.slug == other.slug
            else "rename one of them",
        )


def _next_version(analysis: Analysis, flow: FlowSpec) -> int:
    return 1 + max(other.version for other in analysis.flows if other.slug == flow.slug)
