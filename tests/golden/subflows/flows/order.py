"""Flows for a step, for each element of a map, with failures as values; maps that name other steps."""

from typing import NotRequired, TypedDict

from flows.invoicing import InvoiceInput, Line, invoice
from flows.shipping import Parcel, ship
from pgflow_runtime import Context, Failed, Flow


class Order(TypedDict):
    prices: list[int]


class Bill(TypedDict):
    number: str
    free: NotRequired[bool]


class Postage(TypedDict):
    number: int
    lines: list[Line]


class Shipped(TypedDict):
    postage: Postage


order = Flow[Order]("order")


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.step(when_exhausted="skip")
def discount(prices: list[int]) -> float:
    return 0.1


@order.step(subflow=invoice, deadline=3600)
def bill(prices: list[int]) -> InvoiceInput:
    return InvoiceInput(sum(prices))


@order.map(array=prices, subflow="invoice", when_exhausted="value", max_attempts=2)
async def bills(price: int, ctx: Context, discount: float | None = None) -> InvoiceInput:
    return InvoiceInput(int(price * (1 - (discount or 0))))


@order.step(subflow=ship, when_exhausted="value")
def shipped(flow_input: Order) -> Parcel:
    return {"weights": [1.0]}


@order.map(array="prices", depends_on=[bill], if_={"bill": {"number": "1"}}, if_ran=["discount"])
def labels(price: int, discount: float, flow_input: Order) -> str:
    return f"{price} of {len(flow_input['prices'])}, {discount}"


@order.step
def report(bill: Bill, bills: list[Bill | Failed], shipped: Shipped | Failed) -> list[Line]:
    return [] if isinstance(shipped, Failed) else shipped["postage"]["lines"]


class Folder(TypedDict):
    folders: "list[Folder]"


class Size(TypedDict):
    size: int


tree = Flow["list[Folder]"]("tree")


@tree.step
def size(flow_input: list[Folder], inside: "list[Size]") -> int:
    return 1 + sum(item["size"] for item in inside)


@tree.map(subflow=tree, max_depth=5, depends_on=["settled"])
def inside(folder: Folder) -> list[Folder]:
    return folder["folders"]


@tree.step
def settled(flow_input: list[Folder]) -> None: ...
