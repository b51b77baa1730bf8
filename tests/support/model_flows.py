"""Flows whose types are classes and enums; the handlers assert that they get what they are promised."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Literal, TypedDict

from pgflow_runtime import Context, Flow


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
