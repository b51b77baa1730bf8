"""PGF311: when_unmet without a condition."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.modes import CONDITIONS, has_condition

RULE = Rule(
    code="PGF311",
    title="when_unmet without a condition",
    text="""\
`when_unmet` says what happens when a step's condition is not met. Without `if_`, `if_not`, `if_ran`
or `if_skipped` there is nothing that could be unmet. (What happens when all attempts failed is
`when_exhausted`.)""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step(when_unmet="fail")
def fetch(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[dict[str, str]]("crawl")


@crawl.step(if_={"kind": "page"}, when_unmet="fail")
def fetch(flow_input: dict[str, str]) -> str:
    return flow_input["url"]
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if has_condition(step) or step.hides(*CONDITIONS):
            continue
        for option in step.options:
            if option.name == "when_unmet":
                checked.findings.add(
                    "PGF311",
                    option.span,
                    f"step {step.slug!r} has when_unmet, but no condition",
                    help="add a condition, if_=... for example, or remove when_unmet",
                )
