"""What does not fit its signal, or is no signal, is refused."""

from typing import TypedDict

from pgflow_runtime import Flow, Signal
from pgflow_runtime.testing import run_flow


class Order(TypedDict):
    sku: str


class Receipt(TypedDict):
    id: str


order = Flow[Order]("order")


@order.step
def charge(flow_input: Order) -> Receipt:
    return {"id": "r"}


class Approval(TypedDict):
    by: str


approval = Signal[Approval](order, "approval", depends_on=[charge])


async def test_signals() -> None:
    approval.sent({"by": 1})  # E
    approval.sent({"no": "Ada"})  # E
    approval.sent("Ada")  # E
    approval.sent({"by": "Ada"}, after="soon")  # E
    run = await run_flow(order, {"sku": "tea"}, signals=[approval])  # E
    run = await run_flow(order, {"sku": "tea"}, signals={"approval": {"by": "Ada"}})  # E
    run.send(approval, {"by": 1})  # E
    run.send(approval, {"no": "Ada"})  # E
    run.send(approval, "Ada")  # E
    run.send("approval", {"by": "Ada"})  # E
    run.send(charge, {"id": "r"})  # E
