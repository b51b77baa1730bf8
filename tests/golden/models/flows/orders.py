"""Classes and enums where TypedDicts may stand: inputs, outputs, elements, in each other."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from enum import Enum, IntEnum, StrEnum, auto
from typing import ClassVar, Generic, Literal, NamedTuple, TypedDict, TypeVar

from pgflow_runtime import Flow

T = TypeVar("T")
USUAL = 3


class Colour(Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"


class Level(IntEnum):
    LOW = auto()
    HIGH = 10


class Mode(StrEnum):
    FAST = auto()
    SLOW = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """An article, so many times."""

    sku: str
    quantity: int = USUAL
    mode: Mode = Mode.FAST
    known: ClassVar[int] = 3


@dataclass
class Named:
    id: str


@dataclass
class Order(Named):
    lines: list[Line]
    _: KW_ONLY
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


class Span(NamedTuple):
    """From here to there."""

    start: int
    end: int = 0
    unit: Mode = Mode.FAST


@dataclass
class Box(Generic[T]):
    value: T


class Packed(TypedDict):
    order: Order
    level: Level
    box: Box[int]
    shapes: list[Circle | Square]
    spans: dict[str, Span]


orders = Flow[Order]("orders")


@orders.step
def pack(flow_input: Order) -> Packed: ...


@orders.step
def lines(pack: Packed, flow_input: Named) -> list[Line]: ...


@orders.map(array=lines)
def weigh(line: Line) -> Colour | None: ...


@orders.step(if_={"weigh": [Colour.RED], "pack": {"order": {"colour": "blue"}, "level": Level.HIGH}})
def ship(weigh: list[Colour | None], pack: Packed) -> dict[str, Order]: ...
