from __future__ import annotations

from typing import TypedDict


class Item(TypedDict):
    sku: str
    price: Price


class Price(TypedDict):
    cents: int
