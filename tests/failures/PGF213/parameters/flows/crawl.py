from pgflow_runtime import Context, Flow


crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(url: str, /) -> str:
    return url


@crawl.step
def one(fetch: list[str], /) -> int:
    return 1


@crawl.step
def two(fetch: list[str], *more: str, **others: int) -> int:
    return 1


@crawl.map
def three(ctx: Context, /, url: str) -> str:
    return url
