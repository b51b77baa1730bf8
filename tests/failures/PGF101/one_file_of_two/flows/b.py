from pgflow_runtime import Context, Flow


b = Flow[str]("b")


@b.step
def fetch(flow_input: int) -> str:
    return ""
