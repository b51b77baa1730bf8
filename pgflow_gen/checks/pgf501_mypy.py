"""PGF501: what only mypy can know."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF501",
    title="mypy disagrees",
    text="""\
After the compiler's own checks, mypy judges the flow as plain code: every handler is called with what its
dependencies return. Where mypy refuses an argument, its finding is shown at the handler's parameter. This
covers what only a type checker can know, such as a decorator below the flow's that changes the signature.""",
    bad="""\
from collections.abc import Callable

from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


def measured(handler: Callable[[str], str]) -> Callable[[str], int]:
    return lambda page: len(handler(page))


@crawl.step
@measured
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
    needs_mypy=True,
)
