"""A flow that others start; its types are classes."""

from dataclasses import dataclass
from datetime import date

from pgflow_runtime import Flow


@dataclass
class InvoiceInput:
    total: int
    due: date | None = None


@dataclass
class Line:
    text: str
    amount: int


invoice = Flow[InvoiceInput]("invoice")
invoice_2 = Flow[InvoiceInput]("invoice", version=2)


@invoice.step
def number(flow_input: InvoiceInput) -> str:
    return str(flow_input.total)


@invoice.step(if_={"total": 0})
def free(flow_input: InvoiceInput) -> bool:
    return True


@invoice_2.step(slug="number")
def number_2(flow_input: InvoiceInput) -> int:
    return flow_input.total


@invoice_2.array
def lines(flow_input: InvoiceInput) -> list[Line]:
    return [Line("all", flow_input.total)]
