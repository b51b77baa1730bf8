from collections.abc import Callable
from typing import TypedDict

from pgflow_runtime import Flow


class Page(TypedDict):
    url: str


def twice(handler: Callable[[str], str]) -> Callable[[int], str]:
    return lambda number: handler(str(number))


crawl = Flow[str]("crawl")


@crawl.step
def url(flow_input: str) -> str:
    return flow_input


@crawl.step
@twice
def fetch(url: str) -> str:
    return url
