"""What a test sends has the signal's type."""

from typing import TypedDict

from pgflow_runtime import Flow, Signal
from pgflow_runtime.testing import run_flow, start_flow


class Order(TypedDict):
    sku: str
    prices: list[int]


class Receipt(TypedDict):
    id: str


order = Flow[Order]("order")


@order.step
def charge(flow_input: Order) -> Receipt:
    return {"id": "r"}


class Approval(TypedDict):
    by: str


approval = Signal[Approval](order, "approval", depends_on=[charge])
numbers = Signal[list[int]](order, "numbers")


async def test_signals() -> None:
    sent = [approval.sent({"by": "Ada"}), approval.sent({"by": "Bob"}, after=0.5), numbers.sent([1], after=10)]
    run = await run_flow(order, {"sku": "tea", "prices": []}, signals=sent)
    run = await run_flow(order, {"sku": "tea", "prices": []}, signals=[numbers.sent([]), approval.sent({"by": "C"})])
    run = await start_flow(order, {"sku": "tea", "prices": []})
    await run.until(approval)
    outcome: str = run.send(approval, {"by": "Ada"}, dedupe="once")
    run.send(numbers, [1, 2], after=3600)
    answer: Approval = {"by": outcome}
    run.send(approval, answer)
