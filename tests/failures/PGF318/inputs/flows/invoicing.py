from dataclasses import dataclass
from typing import NotRequired, TypedDict

from pgflow_runtime import Flow


class InvoiceInput(TypedDict):
    total: int
    note: NotRequired[str]


@dataclass
class Parcel:
    weight: float


invoice = Flow[InvoiceInput]("invoice")
shipping = Flow[Parcel]("shipping")
cleaning = Flow[None]("cleaning")


@invoice.step
def number(flow_input: InvoiceInput) -> str:
    return str(flow_input["total"])


@shipping.step
def send(flow_input: Parcel) -> str:
    return str(flow_input.weight)


@cleaning.step
def sweep() -> int:
    return 1
