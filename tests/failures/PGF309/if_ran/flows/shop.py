from pgflow_runtime import Flow, Signal

shop = Flow[dict[str, str]]("shop")

answer = Signal[str](shop, "answer", deadline=60, when_exhausted="skip")


@shop.step(if_={"gift": "yes"})
def wrap(flow_input: dict[str, str]) -> str:
    return ""


@shop.step(if_ran=[wrap])
def fine(wrap: str) -> str:
    return wrap


@shop.step(if_ran=[wrap])
def other(wrap: str, answer: str) -> str:
    return wrap


@shop.step
def after(fine: str) -> str:
    return fine
