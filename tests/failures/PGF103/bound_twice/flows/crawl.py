from typing import TypedDict

from pgflow_runtime import Flow
from flows.models import Row

Ids = list[int]
Ids = list[str]
Size = int
Size = float


class Page(TypedDict):
    url: str


class Page(TypedDict):
    html: str


crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> Page: ...


@crawl.step
def ids(flow_input: str) -> Ids: ...


@crawl.step
def rows(flow_input: str) -> list[Row]: ...


@crawl.step
def size(flow_input: str) -> Size: ...
