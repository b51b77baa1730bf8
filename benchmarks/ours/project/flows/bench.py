"""The flows of the runtime's benchmarks."""

import asyncio
from typing import TypedDict

from pgflow_runtime import Flow, Signal, Sleep


class Order(TypedDict):
    n: int
    label: str
    tags: list[str]


class Element(TypedDict):
    n: int


class Gathered(TypedDict):
    count: int
    sum: int


chain = Flow[Order]("chain")


@chain.step
async def first(flow_input: Order) -> Order:
    return {"n": flow_input["n"] + 1, "label": flow_input["label"], "tags": flow_input["tags"]}


@chain.step
async def second(first: Order) -> Order:
    return {"n": first["n"] * 2, "label": first["label"], "tags": first["tags"]}


@chain.step
async def third(second: Order) -> Order:
    return {"n": second["n"] - 3, "label": second["label"].upper(), "tags": [*second["tags"], "done"]}


waiting = Flow[Order]("waiting")


@waiting.step(slug="first")
async def waiting_first(flow_input: Order) -> Order:
    await asyncio.sleep(0.02)
    return {"n": flow_input["n"] + 1, "label": flow_input["label"], "tags": flow_input["tags"]}


@waiting.step(slug="second")
async def waiting_second(first: Order) -> Order:
    await asyncio.sleep(0.02)
    return {"n": first["n"] * 2, "label": first["label"], "tags": first["tags"]}


@waiting.step(slug="third")
async def waiting_third(second: Order) -> Order:
    await asyncio.sleep(0.02)
    return {"n": second["n"] - 3, "label": second["label"].upper(), "tags": [*second["tags"], "done"]}


fan = Flow[int]("fan")


@fan.array
async def elements(flow_input: int) -> list[Element]:
    return [{"n": n} for n in range(flow_input)]


@fan.map(array=elements)
async def square(element: Element) -> Element:
    return {"n": element["n"] * element["n"]}


@fan.step
async def gather(square: list[Element]) -> Gathered:
    return {"count": len(square), "sum": sum(item["n"] for item in square)}


kid = Flow[Element]("kid")


@kid.step(slug="square")
async def kid_square(flow_input: Element) -> Element:
    return {"n": flow_input["n"] * flow_input["n"]}


class Squared(TypedDict):
    square: Element


parents = Flow[int]("parents")


@parents.array(slug="elements")
async def parents_elements(flow_input: int) -> list[Element]:
    return [{"n": n} for n in range(flow_input)]


@parents.map(array=parents_elements, subflow=kid, slug="kids")
async def parents_kids(element: Element) -> Element:
    return element


@parents.step(slug="gather")
async def parents_gather(kids: list[Squared]) -> Gathered:
    return {"count": len(kids), "sum": sum(item["square"]["n"] for item in kids)}


echo = Flow[Order]("echo")


@echo.step
async def answer(flow_input: Order) -> Order:
    return flow_input


class Asked(TypedDict):
    n: int
    due: float


answered = Flow[Asked]("answered")
reply = Signal[int](answered, "reply")


@answered.step(slug="thank")
async def answered_thank(reply: int) -> int:
    return reply + 1


asleep = Flow[Asked]("asleep")
nap = Sleep(asleep, "nap", until="flow_input.due")
