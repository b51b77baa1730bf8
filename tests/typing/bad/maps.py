"""A map's array and its handler's element must agree, with and without the context first."""

from typing import TypedDict

from pgflow_runtime import Context, Flow


class Page(TypedDict):
    url: str


crawl = Flow[dict[str, str]]("crawl")
pages = Flow[list[Page]]("pages")


@crawl.array
def urls(flow_input: dict[str, str]) -> list[str]:
    return list(flow_input)


@crawl.step
def number(urls: list[str]) -> int:
    return len(urls)


@crawl.map(array=urls)  # E
def wrong_element(url: int) -> int:
    return url


@crawl.map(array=urls)  # E
async def wrong_async(url: Page) -> str:
    return url["url"]


@crawl.map(array=urls)  # E
def wrong_after_context(ctx: Context, url: int) -> int:
    return url


@crawl.map(array=urls)  # E
def no_element() -> int:
    return 1


@crawl.map(array=number)  # E
def not_a_list(item: int) -> int:
    return item


@crawl.map  # E
def input_is_no_list(item: str) -> str:
    return item


@pages.map  # E
def wrong_root(page: str) -> str:
    return page


@crawl.map(array=urls, depends_on=number)  # E
def not_steps(url: str) -> str:
    return url
