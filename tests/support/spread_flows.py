"""Flows whose handlers run on a cluster; the tests of Ray read "ray" where this file says "dask"."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TypedDict

from pgflow_runtime import Context, Flow


class Where(TypedDict):
    folder: str
    count: int


def note(folder: str, name: str, text: str) -> None:
    """Add a line to a file, which several processes may do at a time."""
    with (Path(folder) / name).open("a") as file:
        file.write(text + "\n")


squares = Flow[Where]("squares", executor="dask", base_delay=1, max_attempts=5)


class Element(TypedDict):
    folder: str
    number: int


@squares.array(executor=None)
def numbers(flow_input: Where) -> list[Element]:
    return [{"folder": flow_input["folder"], "number": number} for number in range(flow_input["count"])]


@squares.map(array=numbers)
def square(element: Element, ctx: Context) -> int:
    note(element["folder"], f"square.{element['number']}", f"{ctx.step_task.attempt} {os.getpid()}")
    time.sleep(0.05)
    return element["number"] ** 2


facts = Flow[Where]("facts", executor="dask")


class Facts(TypedDict):
    pid: int
    ids: dict[str, str | int]
    folder: str
    rows: int


@facts.step
def sync(ctx: Context, flow_input: Where) -> Facts:
    ctx.log.warning("said by %s", "sync")
    with ctx.conn().cursor() as cursor:
        cursor.execute("insert into public.ledger values ('sync')")
        rows = cursor.rowcount
    folder = flow_input["folder"]
    return {"pid": os.getpid(), "ids": ctx.step_task.ids, "folder": folder, "rows": rows}


hanging = Flow[Where]("hanging", executor="dask", max_attempts=1, timeout=3)


@hanging.step
def hang(flow_input: Where, ctx: Context) -> None:
    note(flow_input["folder"], "hanging", str(os.getpid()))
    try:
        while True:
            time.sleep(0.01)
    finally:
        note(flow_input["folder"], "hung", str(ctx.cancelled.is_set()))


waiting = Flow[Where]("waiting", executor="dask", max_attempts=2, base_delay=1)


@waiting.step
async def wait(flow_input: Where, ctx: Context) -> int:
    note(flow_input["folder"], "waiting", f"{ctx.step_task.attempt} {os.getpid()}")
    try:
        for _ in range(6_000):
            if (Path(flow_input["folder"]) / "go").exists():
                break
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        note(flow_input["folder"], "waited", "cancelled")
        raise
    return ctx.step_task.attempt


broken = Flow[Where]("broken", executor="dask", max_attempts=1)


@broken.step
def breaks(flow_input: Where) -> None:
    raise ValueError(f"no {flow_input['count']}")


plain = Flow[Where]("plain")


@plain.step
def here(flow_input: Where) -> int:
    return os.getpid()
