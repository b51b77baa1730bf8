from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl")


@crawl.step(when_unmet="skip")
def fetch(flow_input: str) -> str:
    return flow_input
