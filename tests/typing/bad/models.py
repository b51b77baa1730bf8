"""What is none of a model's type is refused where it is written, for handlers and callers."""

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel

from pgflow_runtime import Flow
from pgflow_runtime.dsl import output
from tests.golden.models.expected.generated.client import Client
from tests.golden.models.expected.generated.orders import LineGiven, OrderGiven


class Point(NamedTuple):
    x: int


@dataclass
class Parcel:
    sku: str


class Label(BaseModel):
    text: str


parcels = Flow[Parcel]("parcels")


@parcels.step
def label(flow_input: Parcel) -> Label:
    return Label(text=flow_input.sku)


@parcels.step
def point(label: Label) -> Point:
    return label  # E


label({"sku": "a"})  # E
wrong: Parcel = output(label)  # E
print(output(point).y)  # E


def client(orders: Client) -> None:
    line: LineGiven = {"sku": 1}  # E
    orders.start_orders({"id": "1"})  # E
    orders.start_orders({"id": "1", "lines": [line], "colour": "green"})  # E
    orders.start_orders(Parcel("a"))  # E
    given: OrderGiven = {"id": "1", "lines": [], "mode": "fast"}  # E
    packed = orders.start_orders(given).step("pack").output
    assert packed is not None
    print(packed["spans"]["a"][3])  # E
    print(packed["level"].name)  # E
