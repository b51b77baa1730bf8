from pgflow_runtime import Flow

shop = Flow[list[str]]("shop")


@shop.step(if_={})
def wrap(flow_input: list[str]) -> str:
    return ""


@shop.map(if_ran=[wrap])
def each(line: str) -> str:
    return line


@shop.array(when_exhausted="skip")
def lines(flow_input: list[str]) -> list[str]:
    return []


@shop.map(array=lines, if_ran=[lines])
def fine(line: str) -> str:
    return line


@shop.map(array=lines, if_skipped=["wrap"])
def other(line: str) -> str:
    return line
