from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.step(depends_on=[fetch, "fetch"])
def count(fetch: str) -> int:
    return len(fetch)
