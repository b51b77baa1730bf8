"""What signals, sleeps, loops, schedules and failures as values do not accept."""

from typing import TypedDict

from pgflow_runtime import Again, Failed, Flow, Signal, Sleep


class Order(TypedDict):
    sku: str
    prices: list[int]


class Approval(TypedDict):
    ok: bool


order = Flow[Order]("order")


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.map(array=prices, when_exhausted="value")  # E
def lenient(price: str) -> str:
    return price


@order.step(when_exhausted="values")  # E
def odd(prices: list[int]) -> str:
    return ""


@order.step(if_ran=[3])  # E
def no_step(prices: list[int]) -> str:
    return ""


@order.array(when_exhausted="value")  # E
def no_list(prices: list[int]) -> int:
    return 1


@order.step(when_exhausted="value")
def brittle(prices: list[int]) -> str:
    return ""


def receives(brittle: str | Failed) -> str:
    return brittle.upper()  # E


order.schedule("x", cron="* * * * *", input={"sku": 1, "prices": []})  # E
order.schedule("y", cron="* * * * *", input={"sku": "a"})  # E
order.schedule("z", cron="* * * * *", input={"sku": "a", "prices": []}, overlap="maybe")  # E
order.schedule("w", cron="* * * * *")  # E
Signal[Approval](order, "a", deadline="x")  # E
Signal[Approval](order, "a", when_exhausted="value")  # E
Signal[Approval](order, "a", timeout=3)  # E
Signal[Approval](order, "a").sent({"okay": True})  # E
Sleep(order, "s")  # E
Sleep(order, "s", seconds=3, until="flow_input.sku")  # E
Sleep(order, "s", seconds=3, when_exhausted="skip")  # E
Flow[Order]("o", run_timeot=3)  # E


@order.loop(max_rounds=3)
def agent(prices: list[int], state: int | None = None) -> Again[int] | str:
    return Again("x")  # E


@order.loop(every=3)  # E
def endless(prices: list[int]) -> Again[None] | str:
    return ""


@order.loop(max_rounds=3, when_exhausted="value")  # E
def no_value(prices: list[int]) -> Again[None] | str:
    return ""


@order.loop(max_rounds=3, transactional=True)  # E
def no_transaction(prices: list[int]) -> Again[None] | str:
    return ""
