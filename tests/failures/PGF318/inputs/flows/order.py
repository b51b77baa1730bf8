from typing import TypedDict

from flows.invoicing import InvoiceInput, Parcel, cleaning, invoice, shipping
from pgflow_runtime import Flow

order = Flow[list[int]]("order")


class Total(TypedDict):
    total: float


class Weight(TypedDict):
    weight: float


@order.step(subflow=invoice)
def wrong_key(flow_input: list[int]) -> Total:
    return {"total": 1.5}


@order.map(subflow=shipping)
def no_class(item: int) -> Weight:
    return {"weight": item}


@order.step(subflow="cleaning")
async def something(flow_input: list[int]) -> int:
    return 1


@order.step(subflow=cleaning)
def nothing(flow_input: list[int]) -> None: ...


@order.map(subflow=shipping, when_exhausted="value")
def parcel(item: int) -> Parcel:
    return Parcel(item)


@order.step(subflow=invoice)
def good(flow_input: list[int]) -> InvoiceInput:
    return {"total": 1}


class Bill(TypedDict):
    number: int


@order.step
def consumer(good: Bill, parcel: list[Weight]) -> int:
    return 1
