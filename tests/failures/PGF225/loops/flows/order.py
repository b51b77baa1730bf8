from pgflow_runtime import Again, Flow

order = Flow[str]("order")


@order.loop(every=30)
def delivered(flow_input: str) -> Again[None] | bool:
    return True


@order.loop
def bare(flow_input: str) -> Again[None] | bool:
    return True


@order.loop(max_rounds=0, every=0, deadline=0)
def bounds(flow_input: str) -> Again[None] | bool:
    return True


@order.loop(max_rounds=3, when_exhausted="value", transactional=True)
def modes(flow_input: str) -> Again[None] | bool:
    return True
