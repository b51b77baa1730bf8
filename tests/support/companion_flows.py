"""A shop whose runs are undone and told of, for tests of the worker. Handlers write down what they did."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from pgflow_runtime import Context, Failed, Flow, NonRetryable, RunEnd


class Order(TypedDict):
    amounts: list[int]
    breaks: str


@dataclass
class Receipt:
    id: str


shop = Flow[Order]("shop", max_attempts=2, base_delay=1, backoff="fixed")


async def _did(ctx: Context, what: str, value: Any) -> None:
    """Kept whatever becomes of the task."""
    connection = await ctx.aconn()
    await connection.execute("insert into public.deeds (what, value) values (%s, %s)", [what, str(value)])
    await connection.commit()


@shop.array
def amounts(flow_input: Order) -> list[int]:
    return flow_input["amounts"]


@shop.map(array=amounts, when_exhausted="value", max_attempts=1)
async def reserve(amount: int, ctx: Context) -> Receipt:
    if amount < 0:
        raise NonRetryable("there is no such shelf")
    await _did(ctx, "reserved", amount)
    return Receipt(f"shelf {amount}")


@shop.step
async def charge(amounts: list[int], ctx: Context) -> Receipt:
    await _did(ctx, "charged", sum(amounts))
    return Receipt(f"charge {sum(amounts)}")


@shop.step(max_attempts=1)
async def ship(charge: Receipt, reserve: list[Receipt | Failed], flow_input: Order, ctx: Context) -> str:
    if flow_input["breaks"] == "ship":
        raise ValueError("the van is gone")
    return charge.id


@shop.undo(charge)
async def refund(charge: Receipt, run_end: RunEnd, ctx: Context, flow_input: Order) -> str:
    """The first attempt fails: undos are retried like anything."""
    if ctx.step_task.attempt == 1:
        raise ValueError("the bank is closed")
    await _did(ctx, "refunded", f"{charge.id}, {run_end['error']}, {len(flow_input['amounts'])}")
    return charge.id


@shop.undo(reserve)
async def put_back(reserve: Receipt, ctx: Context) -> None:
    await _did(ctx, "put back", reserve.id)


@shop.undo(ship)
async def call_back(ship: str, ctx: Context) -> None:
    await _did(ctx, "called back", ship)


@shop.end(on="failed")
async def tell(
    run_end: RunEnd,
    ctx: Context,
    charge: Receipt | None = None,
    reserve: list[Receipt | Failed] | None = None,
) -> None:
    there = [item.id for item in reserve or [] if isinstance(item, Receipt)]
    await _did(ctx, "told", f"{run_end['failed_step']}, {run_end['undone']}, {charge and charge.id}, {there}")


@shop.end(on="completed")
async def thank(run_end: RunEnd, ship: str, ctx: Context) -> None:
    await _did(ctx, "thanked", f"{ship}, {run_end['undone']}")


@shop.end()
def note(run_end: RunEnd) -> str:
    return run_end["status"]


parcel = Flow[str]("parcel", max_attempts=1)
"""Its input is a folder, in which handlers and tests leave files for each other."""


def _until(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


@parcel.step
def label(flow_input: str) -> str:
    """Under way when the run fails."""
    (Path(flow_input) / "labelling").touch()
    _until(Path(flow_input) / "label")
    return "label 7"


@parcel.step
def weigh(flow_input: str) -> int:
    _until(Path(flow_input) / "labelling")
    raise ValueError("too heavy")


@parcel.undo(label)
async def unlabel(label: str, run_end: RunEnd, ctx: Context) -> None:
    await _did(ctx, "unlabelled", f"{label}, {run_end['failed_step']}")


@parcel.undo(weigh, when="started")
async def unload(weigh: int | None, ctx: Context) -> None:
    await _did(ctx, "unloaded", weigh)
