"""PGF213: *args, **kwargs or a positional-only parameter."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF213",
    title="a parameter of a kind that cannot be filled",
    text="""\
Inputs are handed to a handler by name, so `*args` and `**kwargs` have nothing to receive, and a
positional-only parameter has no name. The one exception is a map's element, which is passed first.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str, *args: str) -> str:
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
