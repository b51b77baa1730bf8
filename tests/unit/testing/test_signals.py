"""Steps without a handler in memory: what is sent to them, and time that jumps over what they wait for."""

from __future__ import annotations

from typing import TypedDict

import pytest

from pgflow_runtime import Flow, Signal, Sleep
from pgflow_runtime.errors import InvalidInput, UsageError
from pgflow_runtime.testing import run_flow, start_flow


class Order(TypedDict):
    sku: str


class Approval(TypedDict):
    by: str


order = Flow[Order]("order")


@order.step
def charge(flow_input: Order) -> int:
    return 7


approval = Signal[Approval](order, "approval", depends_on=[charge], deadline=86_400, when_exhausted="skip")
cool_down = Sleep(order, "cool_down", seconds=3600, depends_on=[charge])


@order.step(depends_on=[cool_down])
def ship(charge: int, approval: Approval | None = None) -> str:
    return "nobody" if approval is None else approval["by"]


endless = Flow[str]("endless")
answer = Signal[list[int]](endless, "answer")


@endless.map(array=answer)
def double(number: int) -> int:
    return number * 2


async def test_what_nobody_sends_ends_by_its_deadline() -> None:
    run = await run_flow(order, {"sku": "tea"})
    assert run.output == {"ship": "nobody"}
    assert run.step("approval").skip_reason == "timed_out"
    assert run.elapsed == 86_400


async def test_what_is_sent_arrives_at_its_time() -> None:
    run = await run_flow(order, {"sku": "tea"}, signals=[approval.sent({"by": "Ada"}, after=10)])
    assert (run.output, run.elapsed) == ({"ship": "Ada"}, 3600)
    assert run.step(approval).output == {"by": "Ada"}
    run = await run_flow(order, {"sku": "tea"}, signals=[approval.sent({"by": "Ada"}, after=7200)])
    assert (run.output, run.elapsed) == ({"ship": "Ada"}, 7200)
    run = await run_flow(order, {"sku": "tea"}, signals=[approval.sent({"by": "late"}, after=90_000)])
    assert (run.output, run.elapsed) == ({"ship": "nobody"}, 86_400)


async def test_the_first_of_several_counts() -> None:
    sent = [approval.sent({"by": "second"}, after=20), approval.sent({"by": "first"}, after=10)]
    run = await run_flow(order, {"sku": "tea"}, signals=sent)
    assert run.output == {"ship": "first"}


async def test_a_run_is_driven_to_a_signal_and_answered() -> None:
    run = await start_flow(order, {"sku": "tea"})
    await run.until(approval)
    assert run.step("approval").status == "started"
    assert run.send(approval, {"by": "Grace"}, dedupe="click-1") == "taken"
    assert run.send(approval, {"by": "Grace"}, dedupe="click-1") == "duplicate"
    assert run.send(approval, {"by": "Ada"}) == "late"
    await run.work()
    assert (run.step("cool_down").status, run.elapsed) == ("started", 0)
    run.advance(3600)
    assert run.step("cool_down").status == "completed"
    assert await run.result() == {"ship": "Grace"}


async def test_a_signal_that_comes_early_is_kept() -> None:
    run = await start_flow(order, {"sku": "tea"})
    assert run.send(approval, {"by": "early"}) == "kept"
    await run.finish()
    assert run.output == {"ship": "early"}


async def test_a_map_goes_over_what_was_sent() -> None:
    run = await run_flow(endless, "", signals=[answer.sent([1, 2])])
    assert run.output == {"double": [2, 4]}


async def test_a_signal_that_nobody_sends_and_that_has_no_deadline_is_an_error_of_the_test() -> None:
    with pytest.raises(UsageError, match="waits for answer, without a deadline") as caught:
        await run_flow(endless, "")
    assert caught.value.help == "send it: signals=[answer.sent(...)], or run.send(answer, ...)"


async def test_what_is_sent_must_fit_and_belong_to_the_flow() -> None:
    run = await start_flow(order, {"sku": "tea"})
    with pytest.raises(InvalidInput, match=r"payload\.by: expected string, got int 1"):
        run.send(approval, {"by": 1})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="unknown key 'buy'"):
        run.send(approval, {"by": "x", "buy": "y"})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is no signal of flow 'order'"):
        run.send(answer, [1])
    with pytest.raises(UsageError, match="signals= lists what is sent"):
        await run_flow(order, {"sku": "tea"}, signals=[approval])  # type: ignore[list-item]
    run.advance(10)
    with pytest.raises(UsageError, match="a time that is to come"):
        run.send(approval, {"by": "x"}, after=5)
