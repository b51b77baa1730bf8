import functools

from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@(lambda fn: crawl.step(fn))
def count(flow_input: str) -> int:
    return 1


@functools.partial(crawl.step, timeout=30)
def size(flow_input: str) -> int:
    return 1


HANDLERS = {"len": print(crawl.map(len))}


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
