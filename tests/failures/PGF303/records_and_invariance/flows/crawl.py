from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class Page(TypedDict):
    url: str
    size: int
    title: NotRequired[str]


class Sized(TypedDict):
    url: str
    size: str
    title: str
    age: int


class Keys(TypedDict):
    pages: list[Sized]
    numbers: list[int]


crawl = Flow[str]("crawl")


@crawl.array
def pages(flow_input: str) -> list[Page]:
    return []


@crawl.array
def numbers(flow_input: str) -> list[int]:
    return [1]


@crawl.step
def table(flow_input: str) -> dict[str, int]:
    return {}


@crawl.step
def one(pages: list[Sized], numbers: list[float], table: dict[str, float]) -> str:
    return ""


@crawl.step
def two(
    input: Keys,
) -> str:
    return ""


@crawl.step
def wide(
    flow_input: str, numbers: "list[str]"
) -> None: ...  # 名前
