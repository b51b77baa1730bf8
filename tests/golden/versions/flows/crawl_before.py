from typing import TypedDict

from pgflow_runtime import Flow


class CrawlInput(TypedDict):
    url: str


crawl = Flow[CrawlInput]("crawl")
crawl2 = Flow[str]("crawl", version=2)


@crawl.step
def fetch(flow_input: CrawlInput) -> str:
    return flow_input["url"]


@crawl2.step(slug="fetch")
def fetch2(flow_input: str) -> str:
    return flow_input
