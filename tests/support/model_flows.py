"""Flows whose types are classes and enums; the handlers assert that they get what they are promised."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict
from uuid import UUID

from annotated_types import Ge, Le, MaxLen

from pgflow_runtime import Context, Default, Flow


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 10


@dataclass(frozen=True)
class Line:
    sku: str
    quantity: int = 1

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("a line has at least one article")


@dataclass
class Order:
    id: str
    lines: list[Line]
    colour: Colour = Colour.RED
    tags: list[str] = field(default_factory=list)
    parent: Order | None = None
    weight: float = 1.5


@dataclass
class Circle:
    radius: float
    kind: Literal["circle"] = "circle"


@dataclass
class Square:
    side: float
    kind: Literal["square"] = "square"


class Packed(TypedDict):
    order: Order
    level: Level
    shapes: list[Circle | Square]


orders = Flow[Order]("orders", max_attempts=1)


@orders.step
def pack(flow_input: Order) -> Packed:
    assert type(flow_input) is Order, flow_input
    assert all(type(line) is Line for line in flow_input.lines)
    assert isinstance(flow_input.colour, Colour)
    return {"order": flow_input, "level": Level.HIGH, "shapes": [Circle(1), Square(2.5)]}


@orders.array
async def lines(pack: Packed, ctx: Context) -> list[Line]:
    given = await ctx.aflow_input()
    assert pack == {"order": given, "level": Level.HIGH, "shapes": [Circle(1.0), Square(2.5)]}
    assert pack["level"] is Level.HIGH
    return pack["order"].lines


@orders.map(array=lines)
def paint(line: Line, flow_input: Order) -> Colour | None:
    assert type(line) is Line
    return flow_input.colour if line.quantity > 1 else None


@orders.step
def ship(paint: list[Colour | None], pack: Packed) -> Order:
    order = pack["order"]
    return Order(order.id, order.lines, paint[-1] or Colour.RED, [repr(paint)], order, order.weight * 2)


class Stamp(TypedDict):
    at: datetime
    day: date
    clock: time
    took: timedelta
    id: UUID
    price: Decimal
    data: bytes
    path: Path
    more: list[datetime | int | None]


@dataclass
class Job:
    stamp: Stamp
    pause: timedelta = timedelta(minutes=1, seconds=30)
    rate: Decimal = Decimal("0.10")


stamps = Flow[Job]("stamps", max_attempts=1)


@stamps.step
def later(flow_input: Job) -> Stamp:
    stamp = flow_input.stamp
    assert {key: type(value) for key, value in stamp.items()} == {
        "at": datetime, "day": date, "clock": time, "took": timedelta, "id": UUID, "price": Decimal,
        "data": bytes, "path": type(Path()), "more": list,
    }, stamp  # fmt: skip
    return {**stamp, "at": stamp["at"] + flow_input.pause, "price": stamp["price"] * flow_input.rate}


@stamps.step
def told(later: Stamp) -> dict[str, datetime]:
    return {"then": later["at"], "epoch": datetime.fromtimestamp(0, UTC)}


@stamps.step
def naive(later: Stamp) -> datetime | None:
    return later["at"].replace(tzinfo=None) if later["day"].year == 1999 else None


class Limits(TypedDict):
    name: Annotated[str, MaxLen(5)]
    batch: NotRequired[Annotated[int, Ge(1), Le(100), Default(10)]]
    colour: NotRequired[Annotated[Colour, Default(Colour.BLUE)]]


limits = Flow[Limits]("limits", max_attempts=1)


@limits.step
def sized(flow_input: Limits) -> Annotated[int, Le(50)]:
    assert flow_input["colour"] is Colour.BLUE
    return flow_input["batch"]


@dataclass
class Bag:
    pair: tuple[float, Line]
    many: tuple[timedelta, ...] = ()
    colours: set[Colour] = field(default_factory=set)
    names: frozenset[str] = frozenset()


bags = Flow[Bag]("bags", max_attempts=1)


@bags.step
def packed(flow_input: Bag) -> Bag:
    assert type(flow_input.pair) is tuple
    assert type(flow_input.pair[0]) is float
    assert flow_input.many == (timedelta(seconds=1),)
    assert flow_input.colours == {Colour.RED, Colour.BLUE}
    assert flow_input.names == frozenset()
    return Bag(flow_input.pair, flow_input.many, flow_input.colours, frozenset({"b", "a"}))


@bags.step
def counted(packed: Bag) -> tuple[int, set[tuple[int, str]]]:
    return len(packed.names), {(2, "b"), (1, "a")}
