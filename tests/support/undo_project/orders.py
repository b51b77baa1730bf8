"""A flow with undos and an end, whose handlers leave what they did in files."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import NotRequired, TypedDict

from pgflow_runtime import Flow, RunEnd


class Order(TypedDict):
    folder: str
    lines: list[str]
    mode: NotRequired[str]


class Receipt(TypedDict):
    id: str


def note(order: Order, *what: object) -> None:
    with (Path(order["folder"]) / "done.jsonl").open("a") as file:
        file.write(json.dumps(what) + "\n")


order = Flow[Order]("order", max_attempts=1)


@order.step
def charge(flow_input: Order) -> Receipt:
    folder = Path(flow_input["folder"])
    (folder / "charge.begun").touch()
    while flow_input.get("mode") == "held" and not (folder / "charge.go").exists():
        time.sleep(0.02)
    return {"id": "r1"}


@order.step
async def book(flow_input: Order) -> str:
    (Path(flow_input["folder"]) / "book.begun").touch()
    if flow_input.get("mode") == "held":
        await asyncio.Event().wait()
    return "b1"


@order.array
def lines(flow_input: Order, charge: Receipt, book: str) -> list[str]:
    return flow_input["lines"]


@order.map(array=lines)
def stock(line: str, charge: Receipt, flow_input: Order) -> str:
    return f"{line} for {charge['id']}"


@order.step
def ship(stock: list[str]) -> str:
    raise RuntimeError("no lorry")


@order.undo(charge)
def refund(charge: Receipt, run_end: RunEnd, flow_input: Order) -> None:
    note(flow_input, "refund", charge["id"], run_end["status"])


@order.undo(book, when="started")
async def unbook(book: str | None, flow_input: Order) -> None:
    note(flow_input, "unbook", book)


@order.undo(stock)
def put_back(stock: str, charge: Receipt, flow_input: Order) -> None:
    note(flow_input, "put back", stock, charge["id"])


@order.end(on="always")
def tell(run_end: RunEnd, flow_input: Order, charge: Receipt | None = None) -> None:
    note(flow_input, "tell", run_end["status"], run_end["failed_step"], run_end["undone"], charge)
