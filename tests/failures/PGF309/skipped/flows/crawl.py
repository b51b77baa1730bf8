from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class In(TypedDict):
    gift: bool


class Both(TypedDict):
    wrap: str
    card: str


shop = Flow[In]("shop")


@shop.step(if_={"gift": True})
def wrap(flow_input: In) -> str:
    return "ribbon"


@shop.step(when_exhausted="skip")
def card(flow_input: In) -> str:
    return "card"


@shop.step(if_not={"gift": True}, when_unmet="skip-cascade")
def plain(flow_input: In) -> str:
    return "paper"


@shop.step
def ship(wrap: str, card: str | None = None) -> str:
    return wrap


@shop.step
def note(input: Both) -> str:
    return input["wrap"]


@shop.step
def fine(plain: str) -> str:
    return plain
