"""Take an order: price each line, and sum up."""

from typing import TypedDict

from pgflow_runtime import Flow


class Line(TypedDict):
    sku: str
    quantity: int


class Order(TypedDict):
    customer: str
    lines: list[Line]


class Receipt(TypedDict):
    customer: str
    cents: int


PRICES = {"tea": 450, "mug": 900}

order = Flow[Order]("order", max_attempts=3, timeout=20)


@order.array
def lines(flow_input: Order) -> list[Line]:
    return flow_input["lines"]


@order.map(array=lines)
async def price(line: Line) -> int:
    return PRICES[line["sku"]] * line["quantity"]


@order.step
def receipt(flow_input: Order, price: list[int]) -> Receipt:
    return {"customer": flow_input["customer"], "cents": sum(price)}
