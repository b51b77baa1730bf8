from typing import TypedDict

from pgflow_runtime import Flow, Sleep


class Order(TypedDict):
    due: str


order = Flow[Order]("order")

both = Sleep(order, "both", seconds=60, until="flow_input.due")
neither = Sleep(order, "neither", depends_on=[both])
sure = Sleep(order, "sure", seconds=60, when_exhausted="skip")
too_long = Sleep(order, "too_long", seconds=40_000_000)
fine = Sleep(order, "fine", until="flow_input.due", when_exhausted="skip")
