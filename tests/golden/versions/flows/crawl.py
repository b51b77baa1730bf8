from typing import TypedDict

from pgflow_runtime import Flow


class CrawlInput(TypedDict):
    url: str
    depth: int


crawl = Flow[CrawlInput]("crawl", version=3)


@crawl.step
def fetch(flow_input: CrawlInput) -> str:
    return flow_input["url"]


@crawl.step
def count(fetch: str) -> int:
    return len(fetch)
