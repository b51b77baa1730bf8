import shop.models as m

from . import order as defined
from .order import Item


@defined.order.map(array=defined.items)
def cost(item: Item) -> "m.Price":
    return {"cents": item["quantity"] * item["article"]["price"]["cents"]}


@defined.order.step(depends_on=[defined.items])
async def total(cost: list[m.Price]) -> m.Price:
    return {"cents": sum(price["cents"] for price in cost)}
