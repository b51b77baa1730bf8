"""PGF211: a flow or step that is defined conditionally, or inside something."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF211",
    title="flow or step not at module level",
    text="""\
A flow and its steps are definitions, the same in every process: they stand at a module's top level, not
in a function or class and not under an `if`, `try` or loop.""",
    bad="""\
import sys

from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


if sys.platform == "linux":

    @crawl.step
    def count(fetch: str) -> int:
        return len(fetch)
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.step
def count(fetch: str) -> int:
    return len(fetch)
""",
)
