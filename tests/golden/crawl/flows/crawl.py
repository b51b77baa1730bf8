"""Crawl pages and report on them."""
from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow


class CrawlInput(TypedDict):
    urls: list[str]
    language: NotRequired[str]


class Page(TypedDict):
    url: str
    html: str


class Report(TypedDict):
    pages: int
    words: int


crawl = Flow[CrawlInput]("crawl", max_attempts=3, base_delay=2, timeout=60)


@crawl.array
async def urls(flow_input: CrawlInput) -> list[str]:
    return flow_input["urls"]


@crawl.map(array=urls, max_attempts=5, timeout=30)
async def fetch(url: str, ctx: Context) -> Page: ...


@crawl.step(start_delay=10)
def report(fetch: list[Page], urls: list[str]) -> Report: ...
