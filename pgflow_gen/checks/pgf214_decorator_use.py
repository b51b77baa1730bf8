"""PGF214: a decorator or a name used in a way that hides the step."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF214",
    title="a decorator or name used in a way that cannot be read",
    text="""\
The flow's decorator is the outermost one of a handler and is written as `@flow.step`: another decorator
above it, `flow.step(...)(function)` and a bound alias of `flow.step` hide the step from a reader. A function
belongs to one flow, and the names of flows and handlers are bound once in their module.""",
    bad="""\
import functools

from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@functools.cache
@crawl.step
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
