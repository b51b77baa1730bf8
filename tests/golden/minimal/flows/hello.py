from pgflow_runtime import Flow

hello = Flow[str]("hello")


@hello.step
def greet(flow_input: str) -> str:
    return f"Hello, {flow_input}"
