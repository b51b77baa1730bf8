"""A replacement must fit its step, failures must be exceptions, and both must be about steps."""

from typing import TypedDict

from pgflow_runtime import Flow
from pgflow_runtime.testing import run_flow


class Order(TypedDict):
    sku: str


class Receipt(TypedDict):
    id: str


order = Flow[Order]("order")


@order.step
async def charge(flow_input: Order) -> Receipt:
    return {"id": flow_input["sku"]}


@order.array
def parcels(flow_input: Order) -> list[str]:
    return [flow_input["sku"]]


@order.map(array=parcels)
async def weigh(parcel: str) -> int:
    return len(parcel)


@order.step
def ship(charge: Receipt, weigh: list[int]) -> str:
    return charge["id"]


def wrong_result(flow_input: Order) -> int:
    return 1


def wrong_parameter(order: Order) -> Receipt:
    return {"id": "r"}


async def wrong_element(parcel: int) -> int:
    return parcel


RECEIPT: Receipt = {"id": "r"}

charge.returns("r1")  # E
charge.returns({"no": "r1"})  # E
parcels.returns(["a", 1])  # E
weigh.returns([1, 2])  # E
ship.returns(None)  # E
charge.replaced(wrong_result)  # E
charge.replaced(wrong_parameter)  # E
weigh.replaced(wrong_element)  # E


async def test() -> None:
    await run_flow(order, {"sku": 1})  # E
    await run_flow(order, {"sku": "tea"}, replace=[RECEIPT])  # E
    await run_flow(order, {"sku": "tea"}, replace=[charge])  # E
    await run_flow(order, {"sku": "tea"}, replace={charge: RECEIPT})  # E
    await run_flow(order, {"sku": "tea"}, failures={ship: ["away"]})  # E
    await run_flow(order, {"sku": "tea"}, failures={ship: ConnectionError("away")})  # E
    await run_flow(order, {"sku": "tea"}, failures={"ship": [None]})  # E
    await run_flow(order, {"sku": "tea"}, crash={ship: "once"})  # E
    await run_flow(order, {"sku": "tea"}, env={"REGION": 1})  # E
    await run_flow(order, recorded=1)  # E
    run = await run_flow(order, recorded="run.json", replace=[charge])  # E
    run.differences[0].kind = "output"  # E
