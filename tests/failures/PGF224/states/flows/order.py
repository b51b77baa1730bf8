from pgflow_runtime import Again, Flow

order = Flow[str]("order")


@order.loop(max_rounds=3)
def other_type(flow_input: str, state: str | None = None) -> Again[int] | bool:
    return True


@order.loop(max_rounds=3)
def no_parameter(flow_input: str) -> Again[int] | bool:
    return True


@order.loop(max_rounds=3)
def no_default(flow_input: str, state: int | None) -> Again[int] | bool:
    return True


@order.loop(max_rounds=3)
def no_none(flow_input: str, state: int = 0) -> Again[int] | bool:
    return True


@order.loop(max_rounds=3)
def nothing_kept(flow_input: str, state: int | None = None) -> Again[None] | bool:
    return True


@order.loop(max_rounds=3)
def wider(flow_input: str, state: float | str | None = None) -> Again[int] | bool:
    return True
