from pgflow_runtime import Flow, Signal

order = Flow[int]("order")
other = Flow[int]("other")


@other.step
def elsewhere(flow_input: int) -> int:
    return flow_input


@order.step
def charge(flow_input: int) -> str:
    return str(flow_input)


@order.step
def ship(charge: str) -> str:
    return charge


approval = Signal[str](order, "approval")


@order.undo("charge")
def by_slug(charge: str) -> None: ...


@order.undo(elsewhere)
def other_flow(elsewhere: int) -> None: ...


@order.undo(approval)
def of_signal(approval: str) -> None: ...


@order.undo(charge, ship)
def two(charge: str) -> None: ...


@order.undo
def bare(charge: str) -> None: ...


@order.undo(charge)
def refund(charge: str) -> None: ...


@order.undo(charge)
def refund_again(charge: str) -> None: ...
