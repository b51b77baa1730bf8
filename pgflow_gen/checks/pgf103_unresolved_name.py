"""PGF103: a name in an annotation that cannot be resolved."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_shared.text import closest

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


def check(checked: CheckedFlow) -> None:
    """Names of generated modules, whose flows are known here; all others are reported where they are read."""
    for name in checked.flow.outputs:
        near = closest(name.slug, {flow.slug for flow in checked.analysis.flows})
        checked.findings.add(
            "PGF103",
            name.span,
            f"the output of a flow {name.slug!r} will not be generated: there is no such flow",
            help=f"did you mean {near!r}?" if near else "annotate a TypedDict of your own",
        )
