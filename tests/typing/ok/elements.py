"""A map's element: wider parameters, defaults, keyword-only neighbours and flow_input are all right."""

from collections.abc import Sequence
from typing import TypedDict

from pgflow_runtime import Context, Flow, JsonValue, NonRetryable, RetryAfter


class Item(TypedDict):
    name: str


class Named(TypedDict):
    name: str


items = Flow[list[Item]]("items")


@items.map
def own(item: Item, flow_input: Sequence[Item]) -> int:
    if not flow_input:
        raise NonRetryable("nothing to do")
    return len(item["name"])


@items.map(slug="twin")
def structural(item: Named, ctx: Context) -> str:
    if ctx.shutdown.is_set():
        raise RetryAfter(2.5, "the worker stops")
    return item["name"]


@items.map(array=own)
def wider(length: float, *, ctx: Context | None = None) -> float:
    return length / 2


@items.map(array=own)
async def positional(length: int, /, ctx: Context) -> JsonValue:
    return {"length": length, "env": ctx.env.get("HOME")}


nothing = Flow[None]("nothing")


@nothing.step
def once() -> bool:
    return True
