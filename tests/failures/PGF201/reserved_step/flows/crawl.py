from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl")


@crawl.step
def run(flow_input: str) -> str:
    return flow_input


@crawl.step(slug="input")
def second(flow_input: str) -> str:
    return flow_input
