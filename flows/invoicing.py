"""Write the invoice of an order: a flow of its own, so that whoever has something to bill may use it."""

from typing import TypedDict

from pgflow_runtime import Flow


class InvoiceRequest(TypedDict):
    """``amount`` in cents."""

    order_id: str
    amount: int


class Invoice(TypedDict):
    order_id: str
    text: str


class Invoiced(TypedDict):
    """What a run of ``invoicing`` gives."""

    written: Invoice


invoicing = Flow[InvoiceRequest]("invoicing", max_attempts=2, base_delay=1, timeout=20)


@invoicing.step
def sum_in_words(flow_input: InvoiceRequest) -> str:
    """The sum as it is printed."""
    euros, cents = divmod(flow_input["amount"], 100)
    return f"{euros}.{cents:02} EUR"


@invoicing.step
def written(flow_input: InvoiceRequest, sum_in_words: str) -> Invoice:
    """Write the invoice."""
    order_id = flow_input["order_id"]
    return {"order_id": order_id, "text": f"Order {order_id}: {sum_in_words}"}
