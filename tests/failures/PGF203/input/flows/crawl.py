from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class CrawlInput(TypedDict):
    url: str
    depth: int


class Wanted(TypedDict):
    fetch: str
    fetched: str


crawl = Flow[CrawlInput]("crawl")


@crawl.step
def fetch(input: CrawlInput) -> str:
    return input["url"]


@crawl.step
def report(
    ctx: Context,
    input: Wanted,
) -> str:
    return input["fetch"]


@crawl.step
def other(input: dict[str, str]) -> str:
    return input["fetch"]
