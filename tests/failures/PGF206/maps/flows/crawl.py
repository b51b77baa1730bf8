from typing import TypedDict

from pgflow_runtime import Context, Flow


crawl = Flow[list[str]]("crawl")


@crawl.array
def urls(flow_input: list[str]) -> list[str]:
    return flow_input


@crawl.map(array=urls)
def no_element(ctx: Context, flow_input: list[str]) -> int:
    return 1


@crawl.map(array=urls)
async def with_the_array(url: str, urls: list[str]) -> str:
    return url


@crawl.map(array=[urls, with_the_array])
def two_arrays(url: str) -> str:
    return url


class Everything(TypedDict):
    urls: list[str]
    two_arrays: list[str]


@crawl.map
def with_everything(url: str, input: Everything) -> str:
    return url


@crawl.map(array=urls, depends_on=[urls, no_element], if_ran=[no_element])
def with_order(url: str, no_element: list[int]) -> str:
    return url
