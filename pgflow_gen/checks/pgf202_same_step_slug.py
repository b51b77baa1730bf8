"""PGF202: two steps of a flow with the same slug."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF202",
    title="two steps of a flow have the same slug",
    text="""\
A step's slug is its name within the flow: dependents ask for it, and the database keeps its tasks under
it. The slug is the handler's name unless `slug=` says otherwise.""",
    bad="""\
from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def pack(flow_input: str) -> str:
    return flow_input


@shop.step(slug="pack")
def pack_gift(flow_input: str) -> str:
    return f"{flow_input}, with a bow"
""",
    good="""\
from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def pack(flow_input: str) -> str:
    return flow_input


@shop.step
def pack_gift(flow_input: str) -> str:
    return f"{flow_input}, with a bow"
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        first = checked.steps[step.slug]
        if first is step:
            continue
        checked.findings.add(
            "PGF202",
            step.span,
            f"flow {checked.flow.slug!r} has a step {step.slug!r} already",
            notes=[f"the first step {first.slug!r} is defined at {first.span.path}:{first.span.line}"],
            help="rename the function, or give one of them another slug=...",
        )
