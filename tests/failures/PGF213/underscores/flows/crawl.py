from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.map
def __fetch(__url: str) -> str:
    return __url


@crawl.step
def one(__fetch: list[str]) -> int:
    return 1


@crawl.step
def two(*, __fetch: list[str]) -> int:
    return 1
