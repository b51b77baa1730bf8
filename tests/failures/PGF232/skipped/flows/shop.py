from typing import TypedDict

from pgflow_runtime import Flow, Signal


class Order(TypedDict):
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True})
def wrap(flow_input: Order) -> str:
    return "ribbon"


@shop.step(if_={"gift": True}, when_unmet="skip-cascade")
def cascades(flow_input: Order) -> str:
    return "ribbon"


@shop.step
def sure(flow_input: Order) -> str:
    return "box"


@shop.step
def below(cascades: str) -> str:
    return "box"


@shop.step(if_skipped=[cascades])
def a(flow_input: Order) -> str:
    return "plain"


@shop.step(if_skipped=[sure])
def b(flow_input: Order) -> str:
    return "plain"


@shop.step(if_skipped=[wrap])
def c(wrap: str | None = None) -> str:
    return "plain"


@shop.step(if_skipped=[wrap], if_ran=[wrap])
def d(flow_input: Order) -> str:
    return "plain"


@shop.step(if_skipped=["below"])
def e(flow_input: Order) -> str:
    return "plain"


@shop.array(if_={"gift": True})
def cards(flow_input: Order) -> list[str]:
    return []


@shop.map(array=cards, if_skipped=[cards])
def written(card: str) -> str:
    return card


@shop.step(if_skipped=["wrapp", wrap, wrap])
def f(flow_input: Order) -> str:
    return "plain"


answer = Signal[str](shop, "answer", if_skipped=[wrap], when_unmet="fail")
