from pgflow_runtime import Again, Flow

order = Flow[str]("order")


@order.step
def state(flow_input: str) -> str:
    return flow_input


@order.loop(max_rounds=3)
def poll(state: str) -> Again[None] | bool:
    return True


@order.loop(max_rounds=3)
def kept(flow_input: str, state: str) -> Again[int] | bool:
    return True
