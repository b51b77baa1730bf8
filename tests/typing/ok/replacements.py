"""What a test puts in a handler's place has the handler's types; failures name steps and exceptions."""

from pathlib import Path
from typing import TypedDict

from pgflow_runtime import Context, Flow
from pgflow_runtime.testing import MemoryRun, run_flow, start_flow


class Order(TypedDict):
    sku: str
    prices: list[int]


class Receipt(TypedDict):
    id: str


RECEIPT: Receipt = {"id": "r1"}
order = Flow[Order]("order")


@order.step
async def charge(flow_input: Order) -> Receipt:
    return {"id": flow_input["sku"]}


@order.array
def parcels(flow_input: Order) -> list[str]:
    return [flow_input["sku"]]


@order.map(array=parcels)
def weigh(parcel: str, ctx: Context) -> int:
    return len(parcel)


@order.step
def ship(charge: Receipt, weigh: list[int]) -> str | None:
    return charge["id"]


def charged(flow_input: Order) -> Receipt:
    return {"id": "r2"}


async def weighed(parcel: str, ctx: Context) -> int:
    return 1


replacements = [
    charge.returns(RECEIPT),
    charge.returns({"id": "r3"}),
    charge.replaced(charged),
    parcels.returns([]),
    weigh.returns(3),
    weigh.replaced(weighed),
    weigh.replaced(lambda parcel, ctx: 2),
    ship.returns(None),
]


async def test() -> None:
    run: MemoryRun = await run_flow(
        order,
        {"sku": "tea", "prices": [1]},
        replace=[charge.returns(RECEIPT), weigh.returns(3)],
        failures={ship: [ConnectionError("away"), None], weigh: [ValueError()]},
        crash={charge: 1, weigh: 2},
        env={"REGION": "eu"},
    )
    assert run.status == "completed" and run.attempts(ship) == run.attempts("ship")
    run = await start_flow(order, {"sku": "tea", "prices": []})
    await run.until(ship)
    run.advance(10)
    run.cancel("enough")
    run = await run_flow(order, recorded="run.json", replace=[charge.returns(RECEIPT)])
    run = await start_flow(order, recorded=Path("run.json"), env={})
    assert all(found.step == "ship" and found.kind == "output" for found in run.differences)
