from typing import NewType
from fractions import Fraction

from pgflow_runtime import Flow

Ident = NewType("Ident", Fraction)
Name = NewType("Name", str)

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> Ident: ...


@crawl.step
def count(flow_input: str) -> Name: ...
