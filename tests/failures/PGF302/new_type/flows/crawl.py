from typing import NewType
from uuid import UUID

from pgflow_runtime import Flow

Ident = NewType("Ident", UUID)
Name = NewType("Name", str)

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> Ident: ...


@crawl.step
def count(flow_input: str) -> Name: ...
