"""Flows whose runs are recorded and replayed. Calls are lines in the file ``log`` of the input."""

import random
import time
from typing import TypedDict

from pgflow_runtime import Again, Context, Flow, Signal, Sleep


def note(log: str, what: str) -> None:
    print(f"a handler prints {what}")
    with open(log, "a") as file:
        file.write(f"{what}\n")


class Card(TypedDict):
    number: str
    pin: int


class Order(TypedDict):
    log: str
    sku: str
    card: Card
    prices: list[int]


class Receipt(TypedDict):
    id: str
    total: float


order = Flow[Order]("order", max_attempts=2, base_delay=1, backoff="fixed")


@order.step
def charge(flow_input: Order, ctx: Context) -> Receipt:
    note(flow_input["log"], "charge")
    if ctx.step_task.attempt == 1:
        raise ConnectionError(f"card {flow_input['card']['number']} refused once")
    return {"id": flow_input["card"]["number"], "total": sum(flow_input["prices"])}


@order.array
async def parcels(flow_input: Order, charge: Receipt) -> list[int]:
    note(flow_input["log"], "parcels")
    return flow_input["prices"]


@order.map(array=parcels)
async def weigh(parcel: int, ctx: Context) -> str:
    note((await ctx.aflow_input())["log"], f"weigh {parcel}")
    if parcel < 0:
        raise ValueError(f"no weight for {parcel}")
    return f"{parcel} kg"


@order.step(if_={"charge": {"total": 0}})
def gift(charge: Receipt, flow_input: Order) -> str:
    return "free"


@order.step
def label(weigh: list[str], flow_input: Order, gift: str | None = None) -> str:
    note(flow_input["log"], "label")
    return ", ".join(weigh)


lottery = Flow[str]("lottery")


@lottery.step
def draw(flow_input: str) -> float:
    return random.random()


@lottery.step
def tell(draw: float) -> str:
    return f"{draw:.3f}"


books = Flow[str]("books")


@books.step(transactional=True)
def debit(flow_input: str, ctx: Context) -> str:
    ctx.conn().execute("select 1")
    return flow_input


@books.step
def credit(debit: str) -> str:
    return debit


late = Flow[str]("late", run_timeout=1)


@late.step
def early(flow_input: str) -> str:
    return flow_input


@late.step
def lingering(early: str) -> str:
    time.sleep(2)
    return early


class Approval(TypedDict):
    by: str


purchase = Flow[str]("purchase")


@purchase.step
def offer(flow_input: str) -> int:
    return len(flow_input)


approval = Signal[Approval](purchase, "approval", depends_on=[offer], deadline=3600, when_exhausted="skip")
cool_down = Sleep(purchase, "cool_down", seconds=600, depends_on=[approval])


@purchase.step(depends_on=[cool_down])
def buy(offer: int, approval: Approval | None = None) -> str:
    return f"{offer} for {approval['by'] if approval else 'nobody'}"


stairs = Flow[int]("stairs", max_attempts=1)


@stairs.loop(max_rounds=3)
def climb(flow_input: int, state: int | None = None) -> Again[int] | str:
    here = (state or 0) + flow_input
    return f"at {here}" if here >= 3 else Again(here, after=0)
