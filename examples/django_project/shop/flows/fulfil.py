"""Reserve the goods, then mark the order: the mark and the step's completion are one transaction."""

from typing import TypedDict

from pgflow_runtime import Context, Flow


class OrderPlaced(TypedDict):
    order_id: int
    quantity: int


class Reservation(TypedDict):
    order_id: int
    shelf: str


fulfil = Flow[OrderPlaced]("fulfil")


@fulfil.step
def reserve(flow_input: OrderPlaced) -> Reservation:
    return {"order_id": flow_input["order_id"], "shelf": f"shelf {flow_input['quantity'] % 7}"}


@fulfil.step(transactional=True)
def mark(reserve: Reservation, ctx: Context) -> str:
    """Written exactly once, even if a worker dies half-way."""
    ctx.conn().execute(
        "update shop_order set status = 'reserved' where id = %s and status = 'new'", [reserve["order_id"]]
    )
    return reserve["shelf"]
