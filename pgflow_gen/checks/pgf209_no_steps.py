"""PGF209: a flow without steps."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF209",
    title="flow without steps",
    text="""\
A flow does its work in steps; one without any could start but never do or return anything. When the
steps stand in another module, that module has to be among the `flows` of `[tool.pgflow-gen]` too.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


def fetch(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
""",
)


def check(checked: CheckedFlow) -> None:
    flow = checked.flow
    # A step that was written in a way that could not be read earned a finding of its own.
    hidden = {"PGF211", "PGF214"}
    if any(item.code in hidden and item.span.path == flow.span.path for item in checked.findings):
        return
    if not flow.steps:
        checked.findings.add(
            "PGF209",
            flow.span,
            f"flow {flow.slug!r} has no steps",
            help=f"decorate a function with @{flow.key.name}.step",
        )
