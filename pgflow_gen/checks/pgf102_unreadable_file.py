"""PGF102: a file that cannot be read or decoded."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF102",
    title="file cannot be read or decoded",
    text="""\
A flow module must be readable, and decodable with UTF-8 or the encoding that it declares in its first or
second line.

"The reader's limit" is no fault of the file: it is Python, in a form that this compiler cannot follow. The
finding names the line and concerns this file alone; modules without flows, from which no flow takes its
types, are not read at all.""",
    bad="""\
# -*- coding: utf-9 -*-
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


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
