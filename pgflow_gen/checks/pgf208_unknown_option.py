"""PGF208: an option that does not exist."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pgflow_gen.checks.rule import Rule
from pgflow_shared.options import Owner, options_of

_WRITTEN: dict[Owner, str] = {
    "flow": "Flow(...)",
    "step": "@flow.step",
    "array": "@flow.array",
    "map": "@flow.map",
}


def _lists() -> Iterator[str]:
    for owner, written in _WRITTEN.items():
        names = ", ".join(f"`{name}`" for name in options_of(owner))
        yield textwrap.fill(f"- `{written}` takes {names}.", 106, subsequent_indent="  ")


RULE = Rule(
    code="PGF208",
    title="unknown option",
    text="Options are the keyword arguments of `Flow(...)` and of the decorators:\n\n" + "\n".join(_lists()),
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step(timout=30)
def fetch(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step(timeout=30)
def fetch(flow_input: str) -> str:
    return flow_input
""",
)
