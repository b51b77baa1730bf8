from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow



class Address(TypedDict):
    country: str


class In(TypedDict):
    gift: bool
    tags: list[str]
    address: Address


shop = Flow[In]("shop")
many = Flow[list[str]]("many")


@shop.step(if_={"gifts": True})
def unknown_key(flow_input: In) -> int:
    return 1


@shop.step(if_not={"gift": 1, "tags": ["a", 5], "address": {"contry": "FR"}})
def values(flow_input: In) -> int:
    return 1


@shop.step(if_=["gift"])
def no_object(flow_input: In) -> int:
    return 1


@shop.step(if_={"values": "one"}, when_unmet="skip-cascade")
def dependent(values: int | None = None) -> int:
    return 1


@many.map(if_={"gift": True})
def no_object_to_match(item: str) -> int:
    return 1
