"""The decorators, bare and called, over sync and async handlers, keep each handler's own signature."""

from typing import NotRequired, TypedDict, assert_type

from pgflow_runtime import Context, Flow


class CrawlInput(TypedDict):
    urls: list[str]
    language: NotRequired[str]


class Page(TypedDict):
    url: str
    words: int


crawl = Flow[CrawlInput]("crawl", version=2, max_attempts=3, base_delay=2, timeout=60, backoff="fixed", max_delay=9)


@crawl.array
async def urls(flow_input: CrawlInput) -> list[str]:
    return flow_input["urls"]


@crawl.array(max_attempts=2)
def more_urls(flow_input: CrawlInput) -> list[str]:
    return flow_input["urls"]


@crawl.map(array=urls, max_attempts=5, timeout=30, if_={"language": "en"}, when_unmet="skip-cascade")
async def fetch(url: str, ctx: Context) -> Page:
    return {"url": url, "words": ctx.step_task.attempt}


@crawl.map(array=more_urls)
def measure(ctx: Context, url: str) -> int:
    return len(url) + ctx.step_task.task_index


@crawl.map(array="urls")
def by_slug(url: str) -> int:
    return len(url)


@crawl.step
def total(fetch: list[Page], measure: list[int]) -> int:
    return sum(page["words"] for page in fetch) + sum(measure)


@crawl.step(slug="the_end", start_delay=10, depends_on=[total, "measure"], transactional=True)
async def last(flow_input: CrawlInput, ctx: Context, *, total: int = 0) -> None:
    ctx.log.info("%s pages", total)


@crawl.step(if_not={"language": "fr"}, when_exhausted="skip")
def nothing() -> None:
    return None


async def calls() -> None:
    assert_type(more_urls({"urls": []}), list[str])
    assert_type(await urls({"urls": []}), list[str])
    assert_type(await fetch("x", Context.for_test()), Page)
    assert_type(measure(Context.for_test(), "x"), int)
    assert_type(by_slug(url="x"), int)
    assert_type(total([{"url": "", "words": 1}], measure=[2]), int)
    assert_type(await last({"urls": []}, Context.for_test(), total=3), None)
