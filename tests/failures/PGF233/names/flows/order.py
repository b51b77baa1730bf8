from flows.billing import invoice, invoice_2
from pgflow_runtime import Flow

NEWEST = "invoice_v2"
order = Flow[list[int]]("order")


@order.step(subflow="invoices")
def near(flow_input: list[int]) -> int:
    return len(flow_input)


@order.map(subflow="shipping_of_parcels")
def far(item: int) -> int:
    return item


@order.step(subflow=invoice)
def first(flow_input: list[int]) -> int:
    return len(flow_input)


@order.step(subflow=NEWEST)
def second(flow_input: list[int]) -> int:
    return len(flow_input)


@order.step(subflow=invoice_2)
def third(flow_input: list[int]) -> int:
    return len(flow_input)
