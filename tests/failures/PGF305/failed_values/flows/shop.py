from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.array(when_exhausted="value")
def lines(flow_input: str) -> list[str]:
    return []


@shop.map(array=lines)
def priced(line: str) -> int:
    return 1
