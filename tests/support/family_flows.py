"""A flow whose runs start others and are undone, for recordings. Calls are lines in the file of the input."""

from __future__ import annotations

from typing import TypedDict

from pgflow_runtime import Flow, RunEnd


class Order(TypedDict):
    log: str
    prices: list[int]


class Bill(TypedDict):
    log: str
    price: int


def note(log: str, what: str) -> None:
    with open(log, "a") as file:
        file.write(f"{what}\n")


invoice = Flow[Bill]("invoice", max_attempts=1)


@invoice.step
def letter(flow_input: Bill) -> str:
    note(flow_input["log"], "letter")
    return f"{flow_input['price']} cents"


order = Flow[Order]("order", max_attempts=1)


@order.array
def prices(flow_input: Order) -> list[int]:
    note(flow_input["log"], "prices")
    return flow_input["prices"]


@order.map(array=prices, subflow=invoice)
def bills(price: int, flow_input: Order) -> Bill:
    note(flow_input["log"], "bills")
    return {"log": flow_input["log"], "price": price}


class Letter(TypedDict):
    letter: str


@order.step
def ship(bills: list[Letter], flow_input: Order) -> int:
    note(flow_input["log"], "ship")
    if len(bills) > 2:
        raise ValueError("too many")
    return len(bills)


@order.undo(prices)
def forget(prices: list[int], run_end: RunEnd, flow_input: Order) -> int:
    note(flow_input["log"], f"forget {run_end['failed_step']}")
    return len(prices)
