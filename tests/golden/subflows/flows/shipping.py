"""A flow that others start, and that starts one itself as its last step."""

from typing import TypedDict

from flows.invoicing import InvoiceInput, invoice_2
from pgflow_runtime import Flow


class Parcel(TypedDict):
    weights: list[float]


ship = Flow[Parcel]("ship", max_attempts=5)


@ship.step
def weigh(flow_input: Parcel) -> float:
    return sum(flow_input["weights"])


@ship.step(subflow=invoice_2)
def postage(weigh: float) -> InvoiceInput:
    return InvoiceInput(int(weigh))
