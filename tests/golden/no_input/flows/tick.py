from pgflow_runtime import Flow

tick = Flow[None]("tick")


@tick.step
def now() -> str:
    return "now"


@tick.step
def pair(now: str, flow_input: None) -> dict[str, None]:
    return {now: flow_input}
