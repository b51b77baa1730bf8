from typing import NotRequired, TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    gift: bool


class Parts(TypedDict):
    wrap: NotRequired[str]


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True}, when_unmet="skip-cascade")
def wrap(flow_input: Order) -> str: ...


@shop.step
def label(wrap: str) -> str: ...


@shop.step
def join(wrap: str | None = None, label: str | None = None) -> str: ...


@shop.step
def keys(input: Parts) -> str: ...


@shop.step(if_={"gift": True}, when_unmet="skip", when_exhausted="skip-cascade")
def maybe(flow_input: Order) -> str: ...


@shop.step
def fine(maybe: str | None = None) -> str: ...
