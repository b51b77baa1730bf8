"""PGF208: an option that does not exist."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF208",
    title="unknown option",
    text="""\
Options are the keyword arguments of `Flow(...)` and of the decorators. A flow knows `version`,
`max_attempts`, `base_delay`, `timeout`, `backoff` and `max_delay`; a step all of these but `version`, and
`slug`, `start_delay`, `if_`, `if_not`, `when_unmet`, `when_exhausted`, `transactional` and `depends_on`
(for a map `array` instead).""",
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
