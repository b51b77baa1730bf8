from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    tier: int


class Receipt(TypedDict):
    id: str


shop = Flow[Order]("shop")


@shop.step(if_=[{"sku": "tea"}, {"tier": "1"}])
def any_of(flow_input: Order) -> str:
    return ""


@shop.step(if_=[])
def none_of(flow_input: Order) -> str:
    return ""


@shop.step(if_=[{"sku": "tea"}, "tea"])
def no_object(flow_input: Order) -> str:
    return ""


@shop.step(if_not={"flow_input": {"sku": "tea"}})
def root(flow_input: Order) -> str:
    return ""


@shop.step(when_exhausted="value")
def charge(flow_input: Order) -> Receipt:
    return {"id": ""}


@shop.step(if_={"sku": "tea"}, depends_on=[charge])
def forgotten(flow_input: Order) -> str:
    return ""


@shop.step(if_=[{"flow_input": {"sky": "tea"}}, {"charge": {"$failed": {"stepp": "charge"}}}], if_ran=[charge])
def misspelt(flow_input: Order) -> str:
    return ""


@shop.step(if_=[{"flow_input": {"tier": 2}}, {"charge": {"$failed": {}}}], if_not={"charge": {"id": "1"}}, if_ran=[charge])
def fine(flow_input: Order) -> str:
    return ""
