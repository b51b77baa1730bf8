"""Handlers keep their classes, and the generated client has their TypedDicts, with times as Python has them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NamedTuple, assert_type

import attrs
import msgspec
from pydantic import BaseModel, Field

from pgflow_runtime import Flow, JsonValue
from pgflow_runtime.dsl import output
from tests.golden.models.expected.generated.client import Client
from tests.golden.models.expected.generated.orders import Line, LineGiven, Order, OrderGiven, Packed, Span


class Size(StrEnum):
    SMALL = "small"


class Point(NamedTuple):
    x: int
    y: int = 0


@dataclass
class Parcel:
    at: datetime
    size: Size = Size.SMALL
    place: Point | None = None


class Label(BaseModel):
    price: Decimal = Field(gt=0)
    extra: dict[str, JsonValue] = {}


@attrs.define
class Stamp:
    value: int = 1


class Seal(msgspec.Struct):
    text: str


parcels = Flow[Parcel]("parcels")


@parcels.step
def label(flow_input: Parcel) -> Label:
    return Label(price=Decimal(flow_input.at.year))


@parcels.step(if_={"label": {"extra": {}}}, when_exhausted="value")
async def stamp(label: Label) -> tuple[Stamp, Seal]:
    return Stamp(int(label.price)), Seal("s")


@parcels.array
def points(label: Label) -> list[Point]:
    return [Point(1)]


@parcels.map(array=points)
def walk(point: Point) -> Size | None:
    return Size.SMALL if point.x > point.y else None


assert_type(output(label), Label)
assert_type(label(Parcel(datetime.now(UTC))), Label)
assert_type(output(points), list[Point])
assert_type(output(walk), list[Size | None])


def client(orders: Client) -> None:
    line: LineGiven = {"sku": "a"}
    given: OrderGiven = {"id": "1", "lines": [line, {"sku": "b", "mode": "slow"}], "colour": "blue"}
    run = orders.start_orders(given)
    assert_type(run.result().get("ship"), dict[str, Order] | None)
    packed = run.step("pack").output
    assert packed is not None
    assert_type(packed, Packed)
    assert_type(packed["level"], Literal[1, 10])
    assert_type(packed["spans"], dict[str, Span])
    assert_type(packed["spans"]["a"][1], int)
    assert_type(packed["order"]["lines"], list[Line])
