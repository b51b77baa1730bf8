from typing import TypedDict

from pgflow_runtime import Flow, RunEnd


class All(TypedDict):
    charge: str


order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> str:
    return str(flow_input)


@order.undo(charge)
def refund(chrge: str, end: RunEnd) -> None: ...


@order.end()
def tell(run_end: RunEnd, input: All, refund: None = None) -> None: ...


@order.step(depends_on=[refund])
def after(charge: str) -> None: ...


@order.step
def gets(refund: None) -> None: ...


@order.step
def weigh(run_end: RunEnd, charge: str) -> None: ...


@order.end()
def call(charge: "RunEnd | None" = None) -> None: ...
