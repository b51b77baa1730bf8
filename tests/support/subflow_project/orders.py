"""Flows that start others: one for a step, one for each element of a map, and themselves."""

from typing import TypedDict

from pgflow_runtime import Context, Failed, Flow

from .billing import InvoiceInput, Line, invoice


class Order(TypedDict):
    prices: list[int]


class Receipt(TypedDict):
    id: str


class Bill(TypedDict):
    number: str
    lines: list[Line]


order = Flow[Order]("order", base_delay=1)


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.step
def charge(prices: list[int]) -> Receipt:
    return {"id": f"c{len(prices)}"}


@order.step(subflow=invoice)
def bill(prices: list[int]) -> InvoiceInput:
    return InvoiceInput(sum(prices, 1000))


@order.map(array=prices, subflow="invoice", when_exhausted="value", max_attempts=1)
async def bills(price: int, charge: Receipt, flow_input: Order, ctx: Context) -> InvoiceInput:
    return InvoiceInput(price, f"{charge['id']} of {len(flow_input['prices'])}")


@order.map(array=prices, depends_on=["bill"])
def labels(price: int, charge: Receipt, bill: Bill) -> str:
    return f"{price} {charge['id']} {bill['number']}"


@order.step
def report(bill: Bill, bills: list[Bill | Failed], labels: list[str]) -> list[str]:
    told = [item.error if isinstance(item, Failed) else item["lines"][0].text for item in bills]
    return [
        bill["number"],
        *told,
        *(item["number"] for item in bills if not isinstance(item, Failed)),
        *labels,
    ]


class Folder(TypedDict):
    name: str
    folders: "list[Folder]"


class Tree(TypedDict):
    size: int


tree = Flow[Folder]("tree", base_delay=1)


@tree.array
def folders(flow_input: Folder) -> list[Folder]:
    return flow_input["folders"]


@tree.map(array=folders, subflow=tree, max_depth=3, max_attempts=1)
def inside(folder: Folder) -> Folder:
    return folder


@tree.step
def size(inside: list[Tree]) -> int:
    return 1 + sum(item["size"] for item in inside)
