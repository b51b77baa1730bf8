from pgflow_runtime import Context, Flow

order = Flow[list[int]]("order")
invoice = Flow[int]("invoice")


@invoice.step
def number(flow_input: int) -> str:
    return str(flow_input)


@order.step(deadline=60)
def late(flow_input: list[int]) -> int:
    return 1


@order.map(max_depth=2)
def deep(item: int) -> int:
    return item


@order.step(subflow=invoice, transactional=True, deadline=60, max_depth=2)
def bill(flow_input: list[int], ctx: Context) -> int:
    return 1


@order.step(subflow=invoice, transactional=False, max_depth=0)
def plain(flow_input: list[int]) -> int:
    return 1


@order.array(subflow=invoice)
def rows(flow_input: list[int]) -> list[int]:
    return flow_input
