import functools

from pgflow_runtime import Flow

crawl = Flow[str]("crawl")
other = Flow[str]("other")
step = crawl.step


@functools.lru_cache
@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


def count(flow_input: str) -> int:
    return 1


counted = crawl.step(timeout=30)(count)


@step
def aliased(flow_input: str) -> str:
    return flow_input


@crawl.step
@other.step
def both(flow_input: str) -> str:
    return flow_input


@crawl.step
def twice(flow_input: str) -> str:
    return flow_input


@crawl.step(slug="second")
def twice(flow_input: str) -> str:
    return flow_input


@other.step
def fine(flow_input: str) -> str:
    return flow_input
