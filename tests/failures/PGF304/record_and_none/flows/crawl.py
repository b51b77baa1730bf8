from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class In(TypedDict):
    urls: list[str]


crawl = Flow[In]("crawl")
empty = Flow[None]("empty")


@crawl.map
async def fetch(url: str) -> str:
    return url


@empty.map
def nothing(item: int) -> int:
    return item
