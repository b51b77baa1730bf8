from typing import TypedDict

from pgflow_runtime import Flow, RunEnd


class Order(TypedDict):
    sku: str
    gift: bool


order = Flow[Order]("order")


@order.step
def charge(flow_input: Order) -> str:
    return flow_input["sku"]


@order.step(if_={"gift": True})
def wrap(flow_input: Order) -> str:
    return "ribbon"


@order.step
def ship(charge: str, wrap: str | None = None) -> str:
    return charge


@order.undo(ship)
def call_back(ship: str, charge: str, wrap: str) -> None: ...


@order.undo(charge, when="started")
def refund(charge: str, ship: str) -> None: ...


@order.undo(wrap)
def unwrap(wrap: str, charge: str | None = None) -> None: ...


@order.end()
def always(run_end: RunEnd, ship: str) -> None: ...


@order.end(on="completed")
def completed(run_end: RunEnd, ship: str, wrap: str) -> None: ...
