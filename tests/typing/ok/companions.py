"""Undos and ends: what their handlers take, and what becomes of them."""

from typing import TypedDict, assert_type

from pgflow_runtime import Context, Failed, Flow, RunEnd
from pgflow_runtime.dsl import output


class Order(TypedDict):
    sku: str
    prices: list[int]


class Receipt(TypedDict):
    id: str


order = Flow[Order]("order")


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.step
async def charge(prices: list[int]) -> Receipt:
    return {"id": str(sum(prices))}


@order.map(array=prices, when_exhausted="value")
def stock(price: int) -> Receipt:
    return {"id": str(price)}


@order.undo(charge)
async def refund(charge: Receipt, run_end: RunEnd, flow_input: Order) -> None: ...


@order.undo(stock, when="started")
def put_back(stock: Receipt | None, ctx: Context) -> bool:
    return stock is not None


@order.end(on="failed")
def tell(run_end: RunEnd, charge: Receipt | None = None, stock: list[Receipt | Failed] | None = None) -> None:
    assert_type(run_end["error"], str | None)
    assert_type(run_end["failed_task"], int | None)


@order.end()
async def always(run_end: RunEnd) -> str:
    return run_end["status"]


assert_type(output(put_back), bool)
assert_type(output(always), str)


async def calls(run_end: RunEnd, ctx: Context) -> None:
    """Called by hand, a handler is the function it was."""
    await refund({"id": "x"}, run_end, {"sku": "", "prices": []})
    assert_type(put_back(stock=None, ctx=ctx), bool)
    tell(run_end)
