from typing import TypedDict

from pgflow_runtime import Failed, Flow, RunEnd


class Receipt(TypedDict):
    id: str


order = Flow[list[int]]("order")


@order.map(when_exhausted="value")
def stock(item: int) -> Receipt:
    return {"id": str(item)}


@order.step(when_exhausted="value")
def charge(stock: list[Receipt | Failed]) -> Receipt:
    return {"id": ""}


@order.undo(stock, when="started")
def put_back(stock: list[Receipt] | None, run_end: str) -> None: ...


@order.undo(charge)
def refund(charge: int, stock: list[Receipt]) -> None: ...


@order.end()
def tell(run_end: RunEnd, charge: Receipt | None = None, stock: list[Receipt] | None = None) -> None: ...
