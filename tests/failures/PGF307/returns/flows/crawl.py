from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl")


@crawl.array
def text(flow_input: str) -> str:
    return flow_input


@crawl.array(timeout=30)
async def table(
    flow_input: str,
) -> dict[str, int]:
    return {}


@crawl.map(array=text)
def each(item: str) -> str:
    return item
