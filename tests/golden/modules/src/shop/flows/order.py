"""The flow; its later steps live in a module of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from pgflow_runtime import Flow

if TYPE_CHECKING:
    from shop.models import Article


class Item(TypedDict):
    """Not the shop's Item."""

    quantity: int
    article: Article


class Order(TypedDict):
    items: list[Item]


order = Flow[Order]("order")


@order.array
def items(flow_input: Order) -> list[Item]:
    return flow_input["items"]
