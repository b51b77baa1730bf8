"""Fulfil an order: reserve stock, have a large one approved, charge, pack and invoice side by side, and ship.

The warehouse is a dictionary and the payment provider refuses its first attempt, so that the flow shows much
of what there is without any service behind it: options, a retry, a step that waits for somebody, another flow
that writes the invoice, a delayed step; and where an order fails or is cancelled, the charge and the
reservation are undone, the last things first, and then the customer is told.
"""

from typing import Literal, TypedDict

from flows.invoicing import Invoiced, InvoiceRequest, invoicing
from pgflow_runtime import Context, Flow, NonRetryable, RunEnd, Signal


class OrderLine(TypedDict):
    sku: str
    quantity: int


class Order(TypedDict):
    """``unit_prices`` in cents, by article number."""

    order_id: str
    lines: list[OrderLine]
    unit_prices: dict[str, int]


class Reservation(TypedDict):
    """``amount`` in cents."""

    order_id: str
    lines: list[OrderLine]
    amount: int
    is_large: bool


class Approval(TypedDict):
    approved: bool
    by: str


class Payment(TypedDict):
    order_id: str
    amount: int
    attempt: int


class Parcel(TypedDict):
    order_id: str
    items: int
    size: Literal["letter", "box"]


class Shipment(TypedDict):
    order_id: str
    tracking_code: str
    invoice: str


STOCK = {"apple": 100, "pear": 50, "plum": 0}
LARGE = 100_000
"""Cents above which somebody has to approve an order."""
BOX = 20
"""Articles that the largest box holds."""
BRIEF = 1

order_fulfilment = Flow[Order]("order_fulfilment", max_attempts=2, base_delay=BRIEF, timeout=20)


@order_fulfilment.step(max_attempts=1)
def reserve(flow_input: Order) -> Reservation:
    """Hold the articles; an article that is not in stock cannot appear by trying again."""
    for line in flow_input["lines"]:
        if STOCK.get(line["sku"], 0) < line["quantity"]:
            raise NonRetryable(f"{line['sku']} is out of stock")
    prices = flow_input["unit_prices"]
    amount = sum(prices[line["sku"]] * line["quantity"] for line in flow_input["lines"])
    return {
        "order_id": flow_input["order_id"],
        "lines": flow_input["lines"],
        "amount": amount,
        "is_large": amount > LARGE,
    }


approval = Signal[Approval](
    order_fulfilment,
    "approval",
    depends_on=[reserve],
    if_={"reserve": {"is_large": True}},
    key="flow_input.order_id",
    deadline=86_400,
)


@order_fulfilment.step(max_attempts=4, base_delay=BRIEF, backoff="fixed")
async def charge(reserve: Reservation, ctx: Context, approval: Approval | None = None) -> Payment:
    """Charge the customer; the provider is busy at the first attempt."""
    if approval is not None and not approval["approved"]:
        raise NonRetryable(f"refused by {approval['by']}")
    attempt = ctx.step_task.attempt
    if attempt == 1:
        raise ConnectionError("the payment provider is busy")
    return {"order_id": reserve["order_id"], "amount": reserve["amount"], "attempt": attempt}


@order_fulfilment.step(depends_on=["charge"], max_attempts=1)
def pack(reserve: Reservation) -> Parcel:
    """Pack what was reserved, but not before it is paid."""
    items = sum(line["quantity"] for line in reserve["lines"])
    if items > BOX:
        raise NonRetryable(f"no box holds {items} articles")
    return {"order_id": reserve["order_id"], "items": items, "size": "letter" if items < 3 else "box"}


@order_fulfilment.step(subflow=invoicing, max_attempts=1)
def invoice(charge: Payment) -> InvoiceRequest:
    """Have the invoice written, by a run of its own."""
    return {"order_id": charge["order_id"], "amount": charge["amount"]}


@order_fulfilment.step(start_delay=1, timeout=10)
def ship(pack: Parcel, invoice: Invoiced) -> Shipment:
    """Hand the parcel over, a moment after both branches are done so that an order can be recalled."""
    return {
        "order_id": pack["order_id"],
        "tracking_code": f"{pack['size'][0].upper()}-{pack['order_id']}-{pack['items']}",
        "invoice": invoice["written"]["text"],
    }


@order_fulfilment.undo(reserve)
def put_back(reserve: Reservation) -> int:
    """Let others have the articles; how many there are."""
    return sum(line["quantity"] for line in reserve["lines"])


@order_fulfilment.undo(charge)
async def refund(charge: Payment, run_end: RunEnd) -> str:
    """Give the money back; the provider is told why."""
    return f"{charge['amount']} cents of order {charge['order_id']}: {why(run_end)}"


@order_fulfilment.end(on="failed")
def tell_customer(run_end: RunEnd, flow_input: Order, charge: Payment | None = None) -> str:
    """Tell the customer, once everything has been undone."""
    money = "nothing was charged" if charge is None else f"{charge['amount']} cents come back"
    return f"Order {flow_input['order_id']} cannot be delivered ({why(run_end)}); {money}."


def why(run_end: RunEnd) -> str:
    """What failed the run, or why it was cancelled; the lines below say where in the source."""
    return (run_end["error"] or run_end["reason"] or "no reason given").partition("\n")[0]
