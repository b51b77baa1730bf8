from pgflow_runtime import Flow, RunEnd

order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> str:
    return str(flow_input)


@order.undo(charge, when="complete")
def refund(charge: str) -> None: ...


@order.end(on=True)
def tell(run_end: RunEnd) -> None: ...
