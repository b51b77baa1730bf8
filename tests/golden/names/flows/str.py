from pgflow_runtime import Flow

text = Flow[list[int]]("str")


@text.step(slug="list")
def to_list(flow_input: list[int]) -> list[int]:
    return flow_input


@text.step(slug="print")
def show(list: list[int]) -> str:
    return ""
