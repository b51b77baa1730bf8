"""PGF104: an option, a slug or a class that only running the program would tell."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF104",
    title="an option, a slug or a class is not statically known",
    text="""\
Flow modules are read, never imported. Option values have to be literals (numbers with unary minus and
`+ - * //`, strings, True, False, None, lists and dicts of these), or module-level constants bound once to
such a literal, also imported ones. Calls, f-strings, `*x`, `**x` and names bound twice are not known
before the program runs. Nor is what a class consists of that has fields which its constructor does not take,
an `__init__` of its own, a metaclass, or a decorator beside `@dataclass`.""",
    bad="""\
import os

from pgflow_runtime import Flow

crawl = Flow[str]("crawl", timeout=int(os.environ["TIMEOUT"]))


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

TIMEOUT = 2 * 60

crawl = Flow[str]("crawl", timeout=TIMEOUT)


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
""",
)
