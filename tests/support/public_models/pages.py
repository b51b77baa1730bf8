"""Generic responses."""

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from pgflow_runtime import Flow

T = TypeVar("T")
K = TypeVar("K")


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int = Field(ge=0)
    next_cursor: str | None = None


class Product(BaseModel):
    name: str
    price_cents: int = Field(gt=0, description="In cents.", examples=[100])


class Envelope(BaseModel, Generic[K, T]):
    key: K
    page: Page[T]


class ProductPage(Page[Product]):
    category: str = "all"


pages = Flow[None]("pages")


@pages.step
def fetch() -> Page[Product]:
    return Page[Product](items=[Product(name="a", price_cents=3)], total=1)


@pages.step
def wrap(fetch: Page[Product]) -> Envelope[str, Product]:
    return Envelope[str, Product](key="k", page=fetch)


@pages.step
def one(wrap: Envelope[str, Product]) -> ProductPage:
    return ProductPage(items=wrap.page.items, total=1)
