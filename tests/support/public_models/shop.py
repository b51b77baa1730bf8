"""Orders of a shop as plain dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from pgflow_runtime import Flow


class OrderStatus(str, Enum):
    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"

    @property
    def is_final(self) -> bool:
        return self is OrderStatus.SHIPPED


@dataclass(frozen=True, order=True)
class Money:
    amount: Decimal
    currency: str = "EUR"

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount, self.currency)


@dataclass(unsafe_hash=True)
class OrderLine:
    sku: str
    qty: int = 1
    price: Money = Money(Decimal("0"))
    orderid: str | None = field(default=None, compare=False)


@dataclass
class Address:
    street: str
    city: str
    country: str = "DE"
    lines: list[str] = field(default_factory=list)


@dataclass
class Order:
    MAX_LINES: ClassVar[int] = 100

    reference: str
    lines: list[OrderLine] = field(default_factory=list)
    status: OrderStatus = OrderStatus.PENDING
    shipping: Address | None = None
    eta: date | None = None
    history: dict[str, datetime] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        if len(self.lines) > self.MAX_LINES:
            raise ValueError("too many lines")

    def __iter__(self) -> Iterator[OrderLine]:
        return iter(self.lines)

    @classmethod
    def empty(cls, reference: str) -> Order:
        return cls(reference)

    @property
    def total(self) -> Money:
        return sum((line.price for line in self.lines), Money(Decimal(0)))


shop = Flow[Order]("shop")


@shop.step
def price(flow_input: Order) -> Order:
    return flow_input


@shop.array
def lines(price: Order) -> list[OrderLine]:
    return price.lines


@shop.map(array=lines)
def pick(line: OrderLine) -> Money:
    return line.price


@shop.step(if_={"price": {"status": OrderStatus.PAID}})
def ship(price: Order, pick: list[Money]) -> Address | None:
    return price.shipping
