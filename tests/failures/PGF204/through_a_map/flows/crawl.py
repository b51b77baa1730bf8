from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class Gathered(TypedDict):
    fetch: list[int]


crawl = Flow[str]("crawl")


@crawl.array
def urls(input: Gathered) -> list[str]:
    return []


@crawl.map(array=urls)
def fetch(url: str) -> int:
    return len(url)
