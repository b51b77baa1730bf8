"""Payments: old-style constrained types, unions of models, Optional everywhere."""

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

from pgflow_runtime import Flow


class Currency(str, Enum):
    eur = "EUR"
    usd = "USD"

    def __str__(self) -> str:
        return self.value


class Card(BaseModel):
    method: Literal["card"]
    last4: str = Field(..., min_length=4, max_length=4)
    expires: date


class Sepa(BaseModel):
    method: Literal["sepa"]
    iban: str


Method: TypeAlias = Card | Sepa


class Payment(BaseModel):
    amount: Decimal = Field(..., gt=0)
    currency: Currency = Currency.eur
    method: Method = Field(..., discriminator="method")
    splits: list["Payment"] | None = None
    memo: Annotated[str | None, Field(max_length=140)] = None


class Receipt(BaseModel):
    payment: Payment
    ok: bool


payments = Flow[Payment]("payments")


@payments.step
def charge(flow_input: Payment) -> Receipt:
    return Receipt(payment=flow_input, ok=True)


@payments.step(if_={"charge": {"payment": {"currency": Currency.eur}}})
def book(charge: Receipt) -> None:
    return None
