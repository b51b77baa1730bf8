from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl", version=2)


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
