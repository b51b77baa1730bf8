from pgflow_runtime import Flow

shop = Flow[dict[str, str]]("shop")


@shop.step(if_={"gift": "yes"})
def wrap(flow_input: dict[str, str]) -> str:
    return ""


@shop.step(if_ran=[wrap])
def ship(wrap: str | None = None) -> str:
    return wrap or ""
