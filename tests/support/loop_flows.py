"""Flows that go round, and that go on after failures, for tests of the worker."""

from __future__ import annotations

import os
import time
from typing import TypedDict

from pgflow_runtime import Again, Context, Failed, Flow


class Plan(TypedDict):
    seen: list[int]
    share: float


class Question(TypedDict):
    rounds: int
    after: float
    breaks_at: int


class Receipt(TypedDict):
    id: str


agent = Flow[Question]("agent", base_delay=1, backoff="fixed", max_attempts=2)
polls = Flow[Question]("polls")
orders = Flow[list[int]]("orders", max_attempts=1)


@agent.loop(max_rounds=20)
async def think(flow_input: Question, ctx: Context, state: Plan | None = None) -> Again[Plan] | list[int]:
    seen = [*(state["seen"] if state else []), ctx.step_task.attempt]
    if len(seen) == flow_input["breaks_at"] and ctx.step_task.attempt == len(seen):
        raise ValueError("a slip of the tongue")
    if len(seen) < flow_input["rounds"]:
        return Again({"seen": seen, "share": len(seen) / 2}, after=flow_input["after"])
    return seen


@agent.step
def said(think: list[int]) -> int:
    return len(think)


@polls.loop(max_rounds=3, every=1)
def delivered(flow_input: Question) -> Again[None] | float:
    path = os.environ["LAB_GATE"]
    with open(path, "a") as gate:
        gate.write(f"{time.time()}\n")
    with open(path) as gate:
        if len(gate.readlines()) < flow_input["rounds"]:
            return Again()
    return 1.5


@orders.map(when_exhausted="value")
def charge(price: int) -> Receipt:
    if price < 0:
        raise ValueError(f"no money\nfor {price}")
    return {"id": str(price)}


@orders.step(when_exhausted="value")
async def brittle(flow_input: list[int]) -> Receipt:
    raise ValueError("broke")


@orders.step(if_=[{"brittle": {"$failed": {}}}, {"brittle": {"id": "never"}}])
def told(charge: list[Receipt | Failed], brittle: Receipt | Failed) -> list[str]:
    assert isinstance(brittle, Failed)
    words = [f"{each.error} #{each.index}" if isinstance(each, Failed) else each["id"] for each in charge]
    return [*words, f"{brittle.step}: {brittle.error} after {brittle.attempts}"]
