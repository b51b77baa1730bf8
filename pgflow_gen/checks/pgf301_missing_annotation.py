"""PGF301: a parameter, return value or flow input without a type."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF301",
    title="missing annotation",
    text="""\
The types at the boundaries of a step are its contract: every parameter and the return value of a handler
are annotated, and a flow names its input, `Flow[Input]("slug")` (`Flow[None]` when it takes none). A
handler that returns nothing is annotated `-> None`.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str):
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
