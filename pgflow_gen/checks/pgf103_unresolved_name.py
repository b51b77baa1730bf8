"""PGF103: a name in an annotation that cannot be resolved."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF103",
    title="a name in an annotation cannot be resolved",
    text="""\
Annotations are read without importing anything, so each name in one has to be defined in the module, or
imported from a module below the `src` roots. Of `try`/`except ImportError` the first branch that
resolves wins. Types of installed distributions are not read: declare them again in your project, or add
the path of their source to `src` in `[tool.pgflow-gen]`.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> Page:
    return {"url": flow_input}
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Page(TypedDict):
    url: str


crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> Page:
    return {"url": flow_input}
""",
)
