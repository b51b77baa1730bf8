"""PGF208: an option that does not exist."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from pgflow_gen.checks.rule import Rule
from pgflow_shared.kinds import WRITTEN
from pgflow_shared.options import options_of


def _lists() -> Iterator[str]:
    yield _list("Flow(...)", options_of("flow"))
    for kind in WRITTEN.values():
        yield _list(kind.written, options_of(kind.name))


def _list(written: str, options: Iterable[str]) -> str:
    names = ", ".join(f"`{name}`" for name in options)
    return textwrap.fill(f"- `{written}` takes {names}.", 106, subsequent_indent="  ")


RULE = Rule(
    code="PGF208",
    title="unknown option",
    text="Options are the keyword arguments of `Flow(...)`, the decorators, `Signal` and `Sleep`:\n\n"
    + "\n".join(_lists()),
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
