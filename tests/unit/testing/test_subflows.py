"""Flows in flows, in memory: children run on their parent's clock, by their own handlers."""

from __future__ import annotations

from typing import TypedDict

import pytest

from pgflow_runtime import Failed, Flow, Signal
from pgflow_runtime.errors import RunCancelled, RunFailed, UsageError
from pgflow_runtime.testing import run_flow, start_flow


class Bill(TypedDict):
    customer: str
    total: int


class Lines(TypedDict):
    totals: list[int]


invoice = Flow[Bill]("invoice", max_attempts=2, base_delay=5)


@invoice.step
def number(flow_input: Bill) -> int:
    if flow_input["total"] < 0:
        raise ValueError("nothing to pay")
    return flow_input["total"] * 10


approval = Signal[str](invoice, "approval", deadline=600, when_exhausted="skip", if_={"total": 1000})


@invoice.step
def letter(number: int, approval: str = "nobody") -> str:
    return f"{number} by {approval}"


class InvoiceOutput(TypedDict):
    letter: str


order = Flow[Lines]("order", max_attempts=2, base_delay=30)


@order.array
def totals(flow_input: Lines) -> list[int]:
    return flow_input["totals"]


@order.map(array=totals, subflow=invoice)
def bills(total: int) -> Bill:
    return {"customer": "Ada", "total": total}


@order.step
def sent(bills: list[InvoiceOutput]) -> list[str]:
    return [bill["letter"] for bill in bills]


single = Flow[int]("single", max_attempts=1)


@single.step(subflow=invoice, when_exhausted="value", deadline=300)
def bill(flow_input: int) -> Bill:
    return {"customer": "Bob", "total": flow_input}


@single.step
def told(bill: InvoiceOutput | Failed) -> str:
    return f"failed: {bill.error}" if isinstance(bill, Failed) else bill["letter"]


tower = Flow[int]("tower", max_attempts=1)


@tower.step(subflow="tower", max_depth=3, when_exhausted="skip")
def below(flow_input: int) -> int:
    return flow_input + 1


@tower.step
def height(flow_input: int) -> int:
    return flow_input


async def test_a_child_runs_for_each_element() -> None:
    run = await run_flow(order, {"totals": [1, 2]})
    assert run.output == {"sent": ["10 by nobody", "20 by nobody"]}
    children = run.step("bills").children
    assert [(child.status, child.output) for child in children] == [
        ("completed", {"letter": "10 by nobody"}),
        ("completed", {"letter": "20 by nobody"}),
    ]
    assert [child.input["total"] for child in children] == [1, 2]
    assert run.step("bills").output == [{"letter": "10 by nobody"}, {"letter": "20 by nobody"}]
    assert run.step("totals").children == ()
    assert (await run_flow(order, {"totals": []})).output == {"sent": []}


async def test_steps_of_children_are_replaced_and_fail_as_any() -> None:
    run = await run_flow(
        order,
        {"totals": [1]},
        replace=[letter.returns("x")],
        failures={number: [ConnectionError("away"), None]},
    )
    (child,) = run.step("bills").children
    assert (child.attempts("number"), child.elapsed, child.output) == (2, 10, {"letter": "x"})
    assert (run.elapsed, run.output) == (10, {"sent": ["x"]})


async def test_a_child_is_replaced_by_its_output() -> None:
    run = await run_flow(order, {"totals": [1, 2]}, replace=[bills.returns({"letter": "paid"})])
    assert (run.output, run.step("bills").children) == ({"sent": ["paid", "paid"]}, ())
    run = await run_flow(order, {"totals": [1]}, replace=[bills.returns({"lettre": 1})])
    assert run.status == "failed"
    assert run.error is not None
    assert "lettre" in run.error or "letter" in run.error
    run = await run_flow(
        order, {"totals": [1]}, replace=[bills.replaced(lambda total: {"customer": "C", "total": 7})]
    )
    assert run.output == {"sent": ["70 by nobody"]}


async def test_a_child_that_fails_is_a_failed_attempt() -> None:
    run = await run_flow(order, {"totals": [-1]})
    assert (run.status, run.attempts("bills"), run.elapsed) == ("failed", 2, 10 + 60 + 10)
    assert run.error is not None
    assert run.error.startswith("ChildFailed: the child run ")
    assert "ValueError: nothing to pay" in run.error
    assert [child.status for child in run.step("bills").children] == ["failed", "failed"]
    with pytest.raises(RunFailed):
        await run.result()
    run = await run_flow(single, -1)
    assert run.output is not None
    assert run.output["told"].startswith("failed: ChildFailed: the child run ")


async def test_a_failed_child_goes_on_when_its_parent_is_retried() -> None:
    run = await run_flow(order, {"totals": [3]}, failures={number: [ValueError(), ValueError(), None]})
    assert (run.status, run.elapsed) == ("failed", 10 + 60 + 10)
    assert run.retry()
    await run.finish()
    assert (run.status, run.elapsed) == ("completed", 80)
    assert [child.status for child in run.step("bills").children] == ["failed", "completed"]


async def test_cancel_goes_down() -> None:
    run = await start_flow(order, {"totals": [1000]})
    await run.until("bills")
    await run.work()
    (child,) = run.step("bills").children
    assert child.step("approval").status == "started"
    assert run.cancel("enough")
    assert child.status == "cancelled"
    assert child.cancel_reason == f"nobody waits for it: the run {run.run_id} that started it was cancelled"
    with pytest.raises(RunCancelled):
        await child.result()


async def test_a_child_that_is_cancelled_exhausts_its_task() -> None:
    run = await start_flow(order, {"totals": [1000]})
    await run.work()
    run.step("bills").children[0].cancel("not this one")
    assert (run.status, run.attempts("bills")) == ("failed", 1)


async def test_a_child_waits_for_what_the_test_sends_to_it() -> None:
    run = await run_flow(order, {"totals": [1000]}, signals=[approval.sent("Grace", after=60)])
    assert (run.output, run.elapsed) == ({"sent": ["10000 by Grace"]}, 60)
    run = await start_flow(order, {"totals": [1000]})
    await run.until("bills")
    await run.work()
    (child,) = run.step("bills").children
    assert child.send(approval, "Ada") == "taken"
    assert await run.result() == {"sent": ["10000 by Ada"]}


async def test_a_subflow_has_a_deadline() -> None:
    run = await run_flow(single, 1000)
    assert run.output == {"told": "failed: timed out after 300 s"}
    assert run.elapsed == 300
    assert [child.status for child in run.step("bill").children] == ["cancelled"]


async def test_a_child_is_driven_by_itself() -> None:
    run = await start_flow(order, {"totals": [1000]})
    await run.work()
    (child,) = run.step("bills").children
    await child.until("letter")
    assert (child.elapsed, run.status) == (600, "started")
    assert await child.result() == {"letter": "10000 by nobody"}
    assert run.status == "started"
    assert await run.result() == {"sent": ["10000 by nobody"]}


async def test_runs_start_one_another_no_deeper_than_they_may() -> None:
    run = await run_flow(tower, 0)
    heights = []
    here = run
    while here.step("below").children:
        (here,) = here.step("below").children
        heights.append(here.step("height").output)
    assert heights == [1, 2, 3]
    assert here.step("below").skip_reason == "handler_failed"
    assert (here.step("below").error or "").startswith("SubflowTooDeep")


async def test_what_is_of_no_flow_of_the_test_is_refused() -> None:
    with pytest.raises(UsageError, match="no step of flow 'order', nor of invoice"):
        await run_flow(order, {"totals": []}, failures={below: [None]})
