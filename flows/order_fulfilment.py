"""Fulfil an order: reserve stock, charge, then pack and write an invoice side by side, and ship.

The warehouse is a dictionary and the payment provider refuses its first attempt, so that the flow
shows options, a retry and a delayed step without any service behind it.
"""

from typing import Literal, TypedDict

from pgflow_runtime import Context, Flow, NonRetryable


class OrderLine(TypedDict):
    sku: str
    quantity: int


class Order(TypedDict):
    """``unit_prices`` in cents, by article number."""

    order_id: str
    lines: list[OrderLine]
    unit_prices: dict[str, int]


class Reservation(TypedDict):
    order_id: str
    lines: list[OrderLine]


class Payment(TypedDict):
    order_id: str
    amount: int
    attempt: int


class Parcel(TypedDict):
    order_id: str
    items: int
    size: Literal["letter", "box"]


class Invoice(TypedDict):
    order_id: str
    text: str


class Shipment(TypedDict):
    order_id: str
    tracking_code: str
    invoice: str


STOCK = {"apple": 100, "pear": 50, "plum": 0}
BRIEF = 1

order_fulfilment = Flow[Order]("order_fulfilment", max_attempts=2, base_delay=BRIEF, timeout=20)


@order_fulfilment.step(max_attempts=1)
def reserve(flow_input: Order) -> Reservation:
    """Hold the articles; an article that is not in stock cannot appear by trying again."""
    for line in flow_input["lines"]:
        if STOCK.get(line["sku"], 0) < line["quantity"]:
            raise NonRetryable(f"{line['sku']} is out of stock")
    return {"order_id": flow_input["order_id"], "lines": flow_input["lines"]}


@order_fulfilment.step(max_attempts=4, base_delay=BRIEF, backoff="fixed")
async def charge(reserve: Reservation, flow_input: Order, ctx: Context) -> Payment:
    """Charge the customer; the provider is busy at the first attempt."""
    if ctx.step_task.attempt == 1:
        raise ConnectionError("the payment provider is busy")
    prices = flow_input["unit_prices"]
    amount = sum(prices[line["sku"]] * line["quantity"] for line in reserve["lines"])
    return {"order_id": reserve["order_id"], "amount": amount, "attempt": ctx.step_task.attempt}


@order_fulfilment.step(depends_on=["charge"])
def pack(reserve: Reservation) -> Parcel:
    """Pack what was reserved, but not before it is paid."""
    items = sum(line["quantity"] for line in reserve["lines"])
    return {"order_id": reserve["order_id"], "items": items, "size": "letter" if items < 3 else "box"}


@order_fulfilment.step
def invoice(charge: Payment) -> Invoice:
    """Write the invoice."""
    euros, cents = divmod(charge["amount"], 100)
    return {"order_id": charge["order_id"], "text": f"Order {charge['order_id']}: {euros}.{cents:02} EUR"}


@order_fulfilment.step(start_delay=1, timeout=10)
def ship(pack: Parcel, invoice: Invoice) -> Shipment:
    """Hand the parcel over, a moment after both branches are done so that an order can be recalled."""
    return {
        "order_id": pack["order_id"],
        "tracking_code": f"{pack['size'][0].upper()}-{pack['order_id']}-{pack['items']}",
        "invoice": invoice["text"],
    }
