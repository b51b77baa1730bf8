from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl", version=0)


@crawl.step
def one(flow_input: str) -> str:
    return flow_input
