from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class Page(TypedDict):
    url: str


class Titled(TypedDict):
    url: str
    title: str


crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(ctx: Context, url: int) -> Page:
    return {"url": str(url)}


@crawl.map(array=fetch)
async def read(page: Titled) -> str:
    return page["title"]


@crawl.map(array=read)
def whole(texts: list[str]) -> int:
    return len(texts)
