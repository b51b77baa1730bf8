from pgflow_runtime import Flow

order = Flow[int]("order")
WHAT = 7


@order.step
def charge(flow_input: int) -> str:
    return str(flow_input)


@order.undo(shipment)
def call_back(charge: str) -> None: ...


@order.undo(call_back)
def again(charge: str) -> None: ...


@order.undo(lambda: charge)
def late(charge: str) -> None: ...


@order.undo(WHAT)
def what(charge: str) -> None: ...
