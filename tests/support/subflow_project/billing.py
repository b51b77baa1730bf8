"""Flows that others start: their input and output hold classes."""

from dataclasses import dataclass

from pgflow_runtime import Flow, NonRetryable


@dataclass
class InvoiceInput:
    total: int
    note: str = "none"


@dataclass
class Line:
    text: str
    amount: int


invoice = Flow[InvoiceInput]("invoice", base_delay=1)


@invoice.step
def number(flow_input: InvoiceInput) -> str:
    if flow_input.total < 0:
        raise NonRetryable("nothing to pay")
    return f"{flow_input.total}/{flow_input.note}"


@invoice.step
async def lines(flow_input: InvoiceInput) -> list[Line]:
    return [Line("all", flow_input.total)]
