from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class In(TypedDict):
    urls: list[str]


class Other(TypedDict):
    urls: list[int]


crawl = Flow[In]("crawl")
nothing = Flow[None]("nothing")


@crawl.step
def fetch(flow_input: Other) -> str:
    return ""


@crawl.step(depends_on=[fetch])
def each(*, flow_input: list[str]) -> str:
    return ""


@nothing.step
def start(flow_input: In) -> str:
    return ""
