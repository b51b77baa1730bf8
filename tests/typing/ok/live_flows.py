"""Failures as values, signals, sleeps, loops, conditions and schedules, each with what dependents get."""

from typing import Any, NotRequired, TypedDict, assert_type

from pgflow_runtime import FIRE_DATE, FIRE_TIME, Again, Context, Failed, Flow, Signal, Sleep
from pgflow_runtime.dsl import output


class Order(TypedDict):
    sku: str
    prices: list[int]
    order_id: NotRequired[str]
    due: NotRequired[str]


class Receipt(TypedDict):
    id: str


class Approval(TypedDict):
    ok: bool
    note: NotRequired[str]


order = Flow[Order]("order", run_timeout=3600)
listed = Flow[list[int]]("listed")


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.step(max_attempts=5)
async def charge(prices: list[int], ctx: Context) -> Receipt:
    return {"id": "1"}


approval = Signal[Approval](
    order, "approval", depends_on=[charge], deadline=86_400, when_exhausted="skip", key="flow_input.order_id", if_ran=[charge]
)
anything = Signal[Any](order, "anything")
cool_down = Sleep(order, "cool_down", seconds=3600, depends_on=[charge])
until_due = Sleep(order, "until_due", until="flow_input.due", when_exhausted="skip", if_={"sku": "tea"})


@order.step(depends_on=[cool_down, "until_due"])
def ship(charge: Receipt, approval: Approval | None = None) -> str:
    return charge["id"]


@order.step(when_exhausted="value")
def brittle(prices: list[int]) -> Receipt:
    return {"id": ""}


@order.step(when_exhausted="value", timeout=5)
async def abrittle(prices: list[int]) -> Receipt:
    return {"id": ""}


@order.array(when_exhausted="value")
async def rows(prices: list[int]) -> list[int]:
    return prices


@order.map(array=prices, when_exhausted="value")
def lenient(price: int) -> Receipt:
    return {"id": str(price)}


@order.map(array=prices, when_exhausted="value", max_attempts=2)
async def alenient(ctx: Context, price: int) -> Receipt:
    return {"id": str(price)}


@order.map(array="prices", when_exhausted="value")
async def by_slug(price: int) -> Receipt:
    return {"id": str(price)}


@listed.map(when_exhausted="value")
def each(price: int) -> str:
    return str(price)


@order.map(array=lenient)
def after_lenient(receipt: Receipt | Failed) -> int:
    return receipt.attempts if isinstance(receipt, Failed) else len(receipt["id"])


@order.step(when_exhausted="skip")
def optional(prices: list[int]) -> Receipt:
    return {"id": ""}


@order.step(if_=[{"flow_input": {"sku": "tea"}}, {"charge": {"id": "x"}}], if_ran=[charge], if_skipped=["optional"])
def mourn(brittle: Receipt | Failed) -> str:
    return brittle.error if isinstance(brittle, Failed) else brittle["id"]


@order.step
def count(lenient: list[Receipt | Failed]) -> int:
    return sum(0 if isinstance(item, Failed) else len(item["id"]) for item in lenient)


@order.loop(max_rounds=200, every=30, deadline=86_400)
async def delivered(ship: str) -> Again[None] | Receipt:
    if not ship:
        return Again(after=30)
    return {"id": ship}


@order.loop(max_rounds=20)
def agent(ship: str, state: list[str] | None = None) -> Again[list[str]] | Receipt:
    seen = [*(state or []), ship]
    return Again(seen) if len(seen) < 3 else {"id": ship}


@order.loop(max_rounds=20, when_exhausted="skip", depends_on=[charge])
def nothing(ship: str) -> Again[None] | None:
    return Again() if ship else None


nightly = order.schedule(
    "nightly",
    cron="30 2 * * mon-fri",
    timezone="Europe/Berlin",
    input={"sku": FIRE_DATE, "prices": [], "due": FIRE_TIME},
    overlap="queue",
    catch_up="all",
)
order.schedule("hourly", every=3600, input={"sku": "all", "prices": []})

assert_type(output(approval), Approval)
assert_type(output(anything), Any)
assert_type(output(cool_down), None)
assert_type(output(until_due), None)
assert_type(output(brittle), Receipt | Failed)
assert_type(output(abrittle), Receipt | Failed)
assert_type(output(rows), list[int] | Failed)
assert_type(output(lenient), list[Receipt | Failed])
assert_type(output(alenient), list[Receipt | Failed])
assert_type(output(by_slug), list[Receipt | Failed])
assert_type(output(each), list[str | Failed])
assert_type(output(optional), Receipt)
assert_type(output(delivered), Receipt)
assert_type(output(agent), Receipt)
assert_type(output(nothing), None)


async def calls() -> None:
    """Called by hand, a step gives what its handler gives: no ``Failed``, and ``Again`` from a loop."""
    assert_type(brittle([1]), Receipt)
    assert_type(await abrittle([1]), Receipt)
    assert_type(lenient(3), Receipt)
    assert_type(agent("x", state=["y"]), Again[Any] | Receipt)
    assert_type(await delivered("x"), Again[Any] | Receipt)


sent = [approval.sent({"ok": True}, after=10)]
replaced = [brittle.returns({"id": ""}), agent.returns({"id": ""}), agent.returns(Again(["x"]))]
