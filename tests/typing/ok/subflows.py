"""Steps whose work another flow does, and maps that name other steps."""

from typing import Any, NotRequired, TypedDict, assert_type

from pgflow_runtime import Context, Failed, Flow
from pgflow_runtime.dsl import output


class Order(TypedDict):
    sku: str
    prices: list[int]
    note: NotRequired[str]


class Receipt(TypedDict):
    id: str


class InvoiceInput(TypedDict):
    total: int


class Bill(TypedDict):
    number: str


order = Flow[Order]("order")
invoice = Flow[InvoiceInput]("invoice")
cleaning = Flow[None]("cleaning")
listed = Flow[list[int]]("listed")


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.step(max_attempts=5)
async def charge(prices: list[int], ctx: Context) -> Receipt:
    return {"id": "1"}


@order.step(subflow=invoice)
def bill(prices: list[int]) -> InvoiceInput:
    return {"total": sum(prices)}


@order.step(subflow=invoice, max_attempts=2, deadline=60, max_depth=3, depends_on=[charge], if_ran=["charge"])
async def bill_later(prices: list[int]) -> InvoiceInput:
    return {"total": sum(prices)}


@order.step(subflow="invoice", when_exhausted="value")
def bill_by_slug(prices: list[int], ctx: Context) -> InvoiceInput:
    return {"total": sum(prices)}


@order.step(subflow="invoice", when_exhausted="skip")
async def bill_by_slug_later(prices: list[int]) -> InvoiceInput:
    return {"total": sum(prices)}


@order.step(subflow=cleaning)
def clean(prices: list[int]) -> None: ...


@order.map(array=prices, subflow=invoice)
def bills(price: int) -> InvoiceInput:
    return {"total": price}


@order.map(array=prices, subflow=invoice, when_exhausted="value")
async def abills(ctx: Context, price: int, charge: Receipt) -> InvoiceInput:
    return {"total": price}


@order.map(array="prices", subflow="invoice")
def bills_by_slug(price: int) -> InvoiceInput:
    return {"total": price}


@order.map(array=prices, subflow="invoice", deadline=60)
async def abills_by_slug(price: int, charge: Receipt, flow_input: Order) -> InvoiceInput:
    return {"total": price}


@listed.map(subflow=invoice, deadline=60)
def each(price: int) -> InvoiceInput:
    return {"total": price}


@listed.map(subflow="listed", max_depth=2)
def deeper(price: int, /, *, ctx: Context) -> list[int]:
    return [price]


@order.step(subflow=order, max_depth=3)
def again(prices: list[int]) -> Order:
    return {"sku": "", "prices": prices}


@order.map(array=prices)
async def with_other(price: int, charge: Receipt, flow_input: Order) -> str:
    return charge["id"]


@order.map(array=prices, when_exhausted="value", max_attempts=2, depends_on=[bill, "bills"])
def alenient(price: int, charge: Receipt | Failed, bill: Bill | None = None) -> Receipt:
    return {"id": str(price)}


@listed.map
def root(price: int, each: list[Bill], ctx: Context) -> int:
    return price


@order.step
def count(bill: Bill, bills: list[Bill], abills: list[Bill | Failed]) -> int:
    return sum(0 if isinstance(item, Failed) else len(item["number"]) for item in abills)


# To the decorators another flow's output is anything: the generated wiring says what it is.
assert_type(output(bill), Any)
assert_type(output(bills), Any)
assert_type(output(bill_by_slug), Any)
assert_type(output(with_other), list[str])
assert_type(output(alenient), list[Receipt | Failed])
assert_type(output(root), list[int])


async def calls() -> None:
    """Called by hand, a step gives what its handler gives: the other flow's input."""
    assert_type(bill([1]), InvoiceInput)
    assert_type(await bill_later([1]), InvoiceInput)
    assert_type(bills(3), InvoiceInput)
    assert_type(bills_by_slug(3), InvoiceInput)
    assert_type(await abills_by_slug(3, {"id": ""}, {"sku": "", "prices": []}), InvoiceInput)
    assert_type(clean([1]), None)
    assert_type(alenient(3, {"id": ""}), Receipt)


replaced = [bill.returns({"total": 3}), bills.replaced(lambda price: {"total": price})]
