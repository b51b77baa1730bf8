"""PGF304: a root map over an input that is not a list."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF304",
    title="root map, but the flow's input is not a list",
    text="""\
A map without `array=` runs over the flow's input, which then has to be a list. For an input of another
kind, write an `@array` step that makes the list and give it as `array=`.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.map
def fetch(url: str) -> int:
    return len(url)
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(url: str) -> int:
    return len(url)
""",
)


def check(checked: CheckedFlow) -> None:
    flow = checked.flow
    if flow.input is None or checked.judge.element(flow.input) is not None:
        return
    for step in flow.steps:
        if step.is_map and step.array is None and not step.hides("array"):
            checked.findings.add(
                "PGF304",
                step.span,
                f"map {step.slug!r} runs over the flow's input, but that is {flow.input}, not a list",
                notes=[checked.flow_note()],
                help=f"write a step that makes the list, @{flow.key.name}.array, and give it as array=...",
            )
