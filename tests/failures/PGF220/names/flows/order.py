from pgflow_runtime import Flow, Signal, Sleep

order = Flow[str]("order")
not_a_flow = "order"

approved = Signal[bool](order, "approval")
class_ = Signal[bool](order, "class")
lost = Signal[bool](not_a_flow, "lost")
nothing = Sleep()
unknown = Sleep(ordre, "unknown", seconds=3)


@order.step(depends_on=[class_, "approval"])
def ship(flow_input: str) -> str:
    return flow_input
