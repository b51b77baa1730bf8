"""An order that is charged, approved by somebody, and shipped after a while."""

from typing import NotRequired, TypedDict

from pgflow_runtime import Failed, Flow, Signal, Sleep


class Order(TypedDict):
    sku: str
    prices: list[int]
    order_id: NotRequired[str]
    remind_at: NotRequired[str]
    gift: NotRequired[bool]


class Receipt(TypedDict):
    id: str
    due: str | float


class Approval(TypedDict):
    ok: bool
    note: NotRequired[str]


class Everything(TypedDict):
    charge: Receipt | Failed
    approval: NotRequired[Approval]


order = Flow[Order]("order", run_timeout=86_400)


@order.step(when_exhausted="value")
async def charge(flow_input: Order) -> Receipt:
    return {"id": "1", "due": 0.0}


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.map(array=prices, when_exhausted="value")
def rounded(price: int) -> int:
    return price // 10 * 10


approval = Signal[Approval](
    order,
    "approval",
    depends_on=[charge],
    deadline=86_400,
    when_exhausted="skip",
    key="flow_input.order_id",
    if_={"charge": {"id": "1"}},
)
cancelled = Signal[None](order, "cancelled", if_={"gift": False})
cool_down = Sleep(order, "cool_down", seconds=3600, depends_on=[charge])
until_due = Sleep(order, "until_due", until="charge.due", when_exhausted="skip", if_ran=[approval])
until_reminder = Sleep(order, "until_reminder", until="flow_input.remind_at")


@order.step(depends_on=[cool_down, until_due])
def ship(charge: Receipt | Failed, approval: Approval | None = None) -> str:
    return "failed" if isinstance(charge, Failed) else charge["id"]


@order.step(
    if_=[{"flow_input": {"gift": True}}, {"charge": {"$failed": {}}}],
    if_not={"charge": {"$failed": {"attempts": 1}}},
    if_ran=[approval],
    when_unmet="skip-cascade",
)
def wrap(charge: Receipt | Failed, approval: Approval) -> str:
    return approval.get("note", "")


@order.step(if_skipped=[approval])
def remind(flow_input: Order) -> str:
    return flow_input["sku"]


@order.step
def total(rounded: list[int | Failed]) -> Failed | int:
    return sum(0 if isinstance(item, Failed) else item for item in rounded)


@order.step
def everything(input: Everything) -> int:
    return len(input)
