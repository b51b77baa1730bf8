from pgflow_runtime import Context, Flow


from flows.other import fetch

crawl = Flow[str]("crawl")


@crawl.step(depends_on=[fetch])
def count(flow_input: str) -> int:
    return len(flow_input)


@crawl.step
def report(fetch: str) -> str:
    return fetch
