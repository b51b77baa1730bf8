from pgflow_runtime import Flow

order = Flow[int]("order")


def invoice(total: int) -> int:
    return total


@order.step
def total(flow_input: int) -> int:
    return flow_input


@order.step(subflow=invoice)
def function(flow_input: int) -> int:
    return flow_input


@order.step(subflow=total)
def step(flow_input: int) -> int:
    return flow_input


@order.step(subflow=ordre, max_depth=2)
def misspelt(flow_input: int) -> int:
    return flow_input


@order.step(subflow=3)
def number(flow_input: int) -> int:
    return flow_input


@order.step(subflow="".join(["order"]))
def computed(flow_input: int) -> int:
    return flow_input
