"""Flows of the models of three libraries; the handlers assert that they get what they are promised."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID, uuid4

import attrs
import msgspec
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from pgflow_runtime import Flow

T = TypeVar("T")


class Kind(StrEnum):
    NEW = "new"
    USED = "used"


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sku: str = Field(min_length=1, max_length=10)
    quantity: PositiveInt = 1
    price: Annotated[Decimal, Field(gt=0)] = Decimal("1.00")
    kind: Kind = Kind.NEW

    @field_validator("sku")
    @classmethod
    def shouted(cls, value: str) -> str:
        if value == "none":
            raise ValueError("there is none such")
        return value.upper()


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    barks: bool = True


class Box(BaseModel, Generic[T]):
    value: T


class Order(BaseModel):
    id: UUID = Field(default_factory=uuid4)
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    items: list[Item]
    customer: str = Field(alias="customerName")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    wait: timedelta = timedelta(hours=1)
    box: Box[int] | None = None
    _cache: int = 3


@attrs.define
class Point:
    x: int
    _y: int = 2
    tags: list[str] = attrs.field(factory=list)
    more: list[int] = attrs.Factory(list)


class Small(msgspec.Struct, frozen=True, kw_only=True):
    a: int = 3
    b: list[int] = []
    c: Point | None = None


orders = Flow[Order]("orders", max_attempts=1)


@orders.step
def one(flow_input: Order) -> Order:
    assert type(flow_input) is Order
    assert [type(item) for item in flow_input.items] == [Item]
    assert flow_input.items[0].sku == "X"
    assert type(flow_input.pet) is Dog
    return flow_input


@orders.step
def two(one: Order, flow_input: Order) -> Point:
    assert one.model_dump() == flow_input.model_dump()
    return Point(1, y=5, tags=[one.customer])


@orders.step
def three(two: Point) -> Small:
    assert two == Point(1, 5, ["bob"])
    return Small(a=4, c=two)


@orders.step
def four(three: Small) -> list[Small | Item]:
    assert three == Small(a=4, c=Point(1, 5, ["bob"]))
    return [three, Item(sku="q")]


class Place(NamedTuple):
    x: int
    y: int = 5
    at: date = date(2024, 1, 1)


places = Flow[Place]("places", max_attempts=1)


@places.step
def here(flow_input: Place) -> dict[str, Place]:
    assert flow_input == Place(1)
    assert type(flow_input) is Place
    return {"a": flow_input}


@places.step
def there(here: dict[str, Place]) -> tuple[Place, int] | None:
    assert type(here["a"]) is Place
    return here["a"], 1


@places.step
def plain(there: tuple[tuple[int, int, date], int] | None) -> None:
    assert there == ((1, 5, date(2024, 1, 1)), 1)
