from pgflow_runtime import Flow

invoice = Flow[int]("invoice")
invoice_2 = Flow[int]("invoice", version=2)


@invoice.step
def number(flow_input: int) -> str:
    return str(flow_input)


@invoice_2.step(slug="number")
def number_2(flow_input: int) -> int:
    return flow_input
