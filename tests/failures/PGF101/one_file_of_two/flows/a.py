from pgflow_runtime import Context, Flow


a = Flow[str]("a")


@a.step
def fetch(flow_input: str) -> str:
    return (flow_input


@a.step
def count(fetch: str) -> int:
    return 1
