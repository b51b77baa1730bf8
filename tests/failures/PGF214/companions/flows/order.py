from pgflow_runtime import Flow, RunEnd

order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> str:
    return str(flow_input)


@order.end
def bare(run_end: RunEnd) -> None: ...


@order.ends()
def misspelt(run_end: RunEnd) -> None: ...


@order.end()
class Nothing: ...


def tell(run_end: RunEnd) -> None: ...


told = order.end()(tell)


@order.undo(charge)
@order.end()
def both(charge: str) -> None: ...
