from typing import Any, NotRequired, TypedDict

from pgflow_runtime import Flow, JsonValue, Signal, Sleep


class Line(TypedDict):
    due: str


class Order(TypedDict):
    order_id: NotRequired[int]
    paid: bool
    first: Line | None
    lines: list[Line]
    by_sku: dict[str, Line]
    extra: JsonValue
    weight: float


class Receipt(TypedDict):
    due: str


order = Flow[Order]("order")


@order.step(when_exhausted="value")
def charge(flow_input: Order) -> Receipt:
    return {"due": ""}


a = Signal[Any](order, "a", key="flow_input.order_id")
b = Signal[Any](order, "b", key="order_id")
c = Signal[Any](order, "c", key="flow_input.order")
d = Signal[Any](order, "d", key="flow_input.paid")
e = Signal[Any](order, "e", key="flow_input.weight")
f = Signal[Any](order, "f", key="flow_input")
g = Sleep(order, "g", until="flow_input.first.due")
h = Sleep(order, "h", until="flow_input.lines.due")
i = Sleep(order, "i", until="flow_input.by_sku.tea.due")
j = Sleep(order, "j", until="flow_input.extra.any.thing")
k = Sleep(order, "k", until="charge.due")
m = Sleep(order, "m", until="charge.done")
n = Sleep(order, "n", until="chrage.due")
o = Sleep(order, "o", until="flow_input..due")
p = Sleep(order, "p", until="flow_input.first.due.at")
q = Sleep(order, "q", until="flow_input.weight")
r = Sleep(order, "r", until=3)
