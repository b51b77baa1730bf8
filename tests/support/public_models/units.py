"""Values within bounds, in all spellings."""

from decimal import Decimal
from typing import Annotated, NewType, TypedDict

from annotated_types import Ge, Interval, Le, Len, MaxLen, MultipleOf
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveInt

from pgflow_runtime import Default, Flow
from typing import NotRequired

Percent = Annotated[float, Ge(0), Le(100)]
Sku = Annotated[str, Len(3, 12)]


class Stock(TypedDict):
    sku: Sku
    discount: NotRequired[Annotated[Percent, Default(0.0)]]
    steps: Annotated[int, Interval(ge=0, lt=50)]
    even: Annotated[int, MultipleOf(2)]


class Price(BaseModel):
    net: Decimal = Field(gt=0, max_digits=10, decimal_places=2)
    quantity: PositiveInt = 1
    weight: NonNegativeFloat = 0.5
    codes: list[Sku] = Field(default=[], max_length=4)
    names: Annotated[dict[str, str], Field(max_length=2)] = {}
    rate: Percent | None = None


units = Flow[Stock]("units")


@units.step
def price(flow_input: Stock) -> Price:
    return Price(net=Decimal("1.50"))
