"""PGF215: two things would get one name in the generated code. Judged where names are made, in render."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF215",
    title="two generated names collide",
    text="""\
Each flow becomes a module and methods of the client (`crawl.py`, `start_crawl`), each step classes of
that module (`fetch` becomes `FetchInput` and `FetchOutput`). Slugs are written in CapWords for classes,
and a keyword gets a trailing underscore, so two different slugs can land on one name. A step of the same
name as its flow, and a flow called like one of our own files (`client`), collide as well.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch_page(flow_input: str) -> str:
    return flow_input


@crawl.step
def fetchPage(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch_page(flow_input: str) -> str:
    return flow_input


@crawl.step
def fetch_page_again(flow_input: str) -> str:
    return flow_input
""",
)
