"""Orders that are undone where they fail, and somebody is told of each end."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType, TypedDict

from pgflow_runtime import Context, Failed, Flow, RunEnd

Sku = NewType("Sku", str)


class Order(TypedDict):
    sku: str
    amounts: list[int]


@dataclass
class Receipt:
    id: str
    at: datetime


class Reserved(TypedDict):
    shelf: str


class Refunded(TypedDict):
    at: datetime


order = Flow[Order]("order", max_attempts=5, base_delay=2, run_timeout=3600)


@order.array
def amounts(flow_input: Order) -> list[int]:
    return flow_input["amounts"]


@order.map(array=amounts, when_exhausted="value")
def reserve(amount: int) -> Reserved:
    return {"shelf": str(amount)}


@order.step
async def charge(amounts: list[int], ctx: Context) -> Receipt:
    return Receipt(str(sum(amounts)), datetime.fromisoformat("2026-01-01T00:00:00+00:00"))


@order.step(if_={"charge": {"id": "gift"}})
def wrap(charge: Receipt) -> str:
    return charge.id


@order.step(when_exhausted="value")
def ship(charge: Receipt, reserve: list[Reserved | Failed], wrap: str | None = None) -> str:
    return charge.id


@order.undo(charge, when="started")
async def refund(charge: Receipt | None, run_end: RunEnd, flow_input: Order, amounts: list[int]) -> Refunded:
    """Give the money back, also where nobody knows whether it was taken."""
    return {"at": datetime.fromisoformat("2026-01-01T00:00:00+00:00")}


@order.undo(reserve)
def put_back(reserve: Reserved, ctx: Context) -> str:
    return reserve["shelf"]


@order.undo(ship)
def call_back(ship: Sku, charge: Receipt, wrap: str | None = None, reserve: list[Reserved] | None = None) -> None: ...


@order.end(on="failed")
def tell(run_end: RunEnd, charge: Receipt | None = None, ship: str | Failed | None = None) -> None:
    """Tell the customer."""


@order.end(on="completed")
async def count(run_end: RunEnd, amounts: list[int], ship: str | Failed, flow_input: Order) -> int:
    return len(amounts)


@order.end()
def note(run_end: RunEnd) -> str:
    return run_end["status"]


plain = Flow[int]("plain", version=2)


@plain.step
def only(flow_input: int) -> int:
    return flow_input


@plain.undo(only)
def take_back(only: int) -> None: ...
