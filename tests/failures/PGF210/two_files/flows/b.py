from pgflow_runtime import Context, Flow


other = Flow[str]("Crawl_v2")
third = Flow[str]("crawl")


@other.step
def fetch(flow_input: str) -> str:
    return flow_input


@third.step
def fetch_it(flow_input: str) -> str:
    return flow_input
