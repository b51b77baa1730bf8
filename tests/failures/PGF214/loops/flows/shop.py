from pgflow_runtime import Again, Flow, Signal

shop = Flow[str]("shop")


@shop.lop(max_rounds=3)
def misspelt(flow_input: str) -> Again[None] | str:
    return ""


@shop.signal
def no_decorator(flow_input: str) -> str:
    return ""


@shop.loop(max_rounds=3)()
def twice(flow_input: str) -> Again[None] | str:
    return ""


answer = Signal[str](shop, "answer")
answer = Signal[str](shop, "answer")
