from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class Keys(TypedDict):
    one: str


crawl = Flow[str]("crawl")


@crawl.step
def one(flow_input: str) -> str:
    return flow_input


@crawl.step
def two(flow_input: str) -> str:
    return flow_input


@crawl.step
def both(input: Keys, two: str) -> str:
    return two


@crawl.step(depends_on=[one, two])
def ordered(input: Keys) -> str:
    return input["one"]
