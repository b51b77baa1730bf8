from typing import TypedDict

from pgflow_runtime import Failed, Flow


class Receipt(TypedDict):
    id: str


class Both(TypedDict):
    charge: Receipt


shop = Flow[list[int]]("shop")


@shop.step(when_exhausted="value")
def charge(flow_input: list[int]) -> Receipt:
    return {"id": ""}


@shop.map(when_exhausted="value")
def priced(price: int) -> Receipt:
    return {"id": ""}


@shop.step
def blind(charge: Receipt) -> int:
    return 1


@shop.step
def blind_key(input: Both) -> int:
    return 1


@shop.step
def blind_list(priced: list[Receipt]) -> int:
    return 1


@shop.map(array=priced)
def blind_element(receipt: Receipt) -> int:
    return 1


@shop.step
def sees(charge: Failed | Receipt, priced: list[Failed | Receipt]) -> Failed | None:
    return charge if isinstance(charge, Failed) else None


@shop.map(array=priced)
def sees_element(receipt: Receipt | Failed) -> int:
    return 1
