from pgflow_runtime import Context, Flow


crawl = Flow[list[str]]("crawl")


@crawl.array
def urls(flow_input: list[str]) -> list[str]:
    return flow_input


@crawl.map(array=urls)
def no_element(ctx: Context, flow_input: list[str]) -> int:
    return 1


@crawl.map(array=urls)
async def with_another(url: str, urls: list[str]) -> str:
    return url


@crawl.map(array=[urls, with_another])
def two_arrays(url: str) -> str:
    return url


@crawl.map(array=urls, depends_on=[urls])
def with_order(url: str) -> str:
    return url
