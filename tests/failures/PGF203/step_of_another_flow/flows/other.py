from pgflow_runtime import Context, Flow


other = Flow[str]("other")


@other.step
def fetch(flow_input: str) -> str:
    return flow_input
