"""What steps with subflow=, and maps that name other steps, do not accept."""

from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    prices: list[int]


class Receipt(TypedDict):
    id: str


class InvoiceInput(TypedDict):
    total: int


order = Flow[Order]("order")
invoice = Flow[InvoiceInput]("invoice")


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.step
def charge(prices: list[int]) -> Receipt:
    return {"id": ""}


@order.step(subflow=invoice)  # E
def wrong_input(prices: list[int]) -> Order:
    return {"sku": "", "prices": prices}


@order.step(subflow=invoice)  # E
async def wrong_input_later(prices: list[int]) -> Order:
    return {"sku": "", "prices": prices}


@order.map(array=prices, subflow=invoice)  # E
def wrong_element(price: str) -> InvoiceInput:
    return {"total": 1}


@order.map(array=prices, subflow="invoice")  # E
def wrong_element_by_slug(price: str) -> InvoiceInput:
    return {"total": 1}


@order.map(subflow=invoice)  # E
def no_array(price: int) -> InvoiceInput:
    return {"total": price}


@order.step(subflow=charge)  # E
def no_flow(prices: list[int]) -> InvoiceInput:
    return {"total": 1}


@order.step(subflow=invoice, transactional=True)  # E
def no_transaction(prices: list[int]) -> InvoiceInput:
    return {"total": 1}


@order.step(subflow=invoice, deadline="soon")  # E
def no_seconds(prices: list[int]) -> InvoiceInput:
    return {"total": 1}


@order.step(max_depth=3)  # E
def no_subflow(prices: list[int]) -> int:
    return 1


@order.array(subflow=invoice)  # E
def no_rows(prices: list[int]) -> list[int]:
    return prices


@order.map(array=prices)  # E
def wrong_first(charge: Receipt, price: int) -> int:
    return price


@order.map(array=prices, depends_on=charge)  # E
def no_list(price: int) -> int:
    return price
