"""What undos and ends do not accept."""

from typing import TypedDict

from pgflow_runtime import Flow, RunEnd


class Receipt(TypedDict):
    id: str


order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> Receipt:
    return {"id": str(flow_input)}


@order.undo(charge)
def refund(charge: Receipt) -> None: ...


@order.end(on="failed")
def tell(run_end: RunEnd, charge: Receipt | None = None) -> None: ...


@order.undo("charge")  # E
def by_slug(charge: Receipt) -> None: ...


@order.undo(charge, when="ended")  # E
def no_word(charge: Receipt) -> None: ...


@order.undo  # E
def nothing(charge: Receipt) -> None: ...


@order.undo(charge, max_attempts=3)  # E
def no_option(charge: Receipt) -> None: ...


@order.end  # E
def bare(run_end: RunEnd) -> None: ...


@order.end(on="broken")  # E
def no_end(run_end: RunEnd) -> None: ...


def calls(run_end: RunEnd) -> None:
    refund(None)  # E
    refund({"id": 3})  # E
    tell(run_end, charge=3)  # E
    print(run_end["step"])  # E
