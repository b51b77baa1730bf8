"""What follows a run's end, in memory: undos in the order of the graph turned round, then ends."""

from __future__ import annotations

from typing import TypedDict

import pytest

from pgflow_runtime import Flow, RunEnd
from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing import run_flow, start_flow

done: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    done.clear()


class Order(TypedDict):
    skus: list[str]
    pay: int


order = Flow[Order]("order", max_attempts=2, base_delay=1)


@order.array
def reserve_all(flow_input: Order) -> list[str]:
    return flow_input["skus"]


@order.map(array=reserve_all)
def reserve(sku: str) -> str:
    if sku == "none":
        raise ValueError("out of stock")
    return f"reserved {sku}"


@order.step
def charge(reserve: list[str], flow_input: Order) -> int:
    return flow_input["pay"]


@order.step
def ship(charge: int) -> str:
    if charge < 0:
        raise ConnectionError("the carrier is away")
    return "shipped"


@order.undo(reserve)
def put_back(reserve: str) -> None:
    done.append(f"put back what was {reserve}")


@order.undo(charge, when="started")
async def refund(charge: int | None, run_end: RunEnd, flow_input: Order) -> str:
    done.append(f"refund {charge} of {flow_input['pay']} as {run_end['failed_step']} failed")
    return "refunded"


@order.end(on="failed")
def tell(run_end: RunEnd, charge: int | None = None) -> str:
    done.append(f"tell that {run_end['failed_step']} failed, undone: {run_end['undone']}, charged {charge}")
    return "told"


@order.end()
def tidy(run_end: RunEnd) -> None:
    done.append(f"tidy after {run_end['status']}")


async def test_what_was_done_is_undone_in_the_order_turned_round_then_the_ends_run() -> None:
    run = await run_flow(order, {"skus": ["tea", "salt"], "pay": -7})
    assert (run.status, run.elapsed) == ("failed", 2)
    assert done == [
        "refund -7 of -7 as ship failed",
        "put back what was reserved tea",
        "put back what was reserved salt",
        "tell that ship failed, undone: completed, charged -7",
        "tidy after failed",
    ]
    assert run.undone == {"charge": [0], "reserve": [0, 1]}
    undo, *ends = run.companions
    assert (undo.flow.db_slug, undo.status, undo.step("refund").output) == (
        "order__undo",
        "completed",
        "refunded",
    )
    assert undo.step("put_back").status == "completed"
    assert [end.flow.db_slug for end in ends] == ["order__end_tell", "order__end_tidy"]
    assert ends[0].output == {"tell": "told"}


async def test_a_run_that_completes_is_only_tidied_up_after() -> None:
    run = await run_flow(order, {"skus": ["tea"], "pay": 7})
    assert run.output == {"ship": "shipped"}
    assert done == ["tidy after completed"]
    assert (run.undone, [each.flow.db_slug for each in run.companions]) == ({}, ["order__end_tidy"])


async def test_what_did_not_happen_is_not_undone() -> None:
    await run_flow(order, {"skus": ["tea", "none"], "pay": 7})
    assert done == [
        "put back what was reserved tea",
        "tell that reserve failed, undone: completed, charged None",
        "tidy after failed",
    ]


async def test_what_follows_waits_for_the_test_to_go_on() -> None:
    run = await start_flow(order, {"skus": [], "pay": 1})
    await run.until("ship")
    assert run.cancel("no longer wanted")
    assert (len(run.companions), done) == (1, [])
    assert not run.retry()
    await run.finish()
    assert done == ["refund 1 of 1 as None failed", "tidy after cancelled"]
    assert not run.retry()
    assert run.retry(even_if_undone=True)
    assert await run.result() == {"ship": "shipped"}
    assert done[2:] == ["tidy after completed"]


async def test_handlers_of_undos_and_ends_are_replaced_and_fail_as_any() -> None:
    run = await run_flow(
        order,
        {"skus": ["tea"], "pay": -1},
        replace=[tell.returns("nothing"), put_back.replaced(lambda reserve: done.append(reserve))],
        failures={refund: [ConnectionError("the bank is away"), None]},
    )
    undo, told, _ = run.companions
    assert (undo.attempts("refund"), undo.elapsed, run.elapsed) == (2, 2, 2)
    assert told.output == {"tell": "nothing"}
    assert done == ["refund -1 of -1 as ship failed", "reserved tea", "tidy after failed"]


async def test_an_undo_that_fails_is_told_to_the_ends() -> None:
    run = await run_flow(order, {"skus": ["tea"], "pay": -1}, failures={refund: [ValueError()] * 2})
    assert run.companions[0].status == "failed"
    assert run.undone == {}
    assert done == ["tell that ship failed, undone: failed, charged -1", "tidy after failed"]


async def test_what_never_reported_is_undone_where_it_may_have_happened() -> None:
    run = await run_flow(late, None, crash={take: 1})
    assert (run.status, run.error, run.elapsed) == ("failed", "timed out after 20 s", 20)
    assert done == ["give back None"]
    assert (run.undone, run.companions[0].elapsed) == ({"take": [0]}, 0)


late = Flow[None]("late", run_timeout=20)


@late.step
def take() -> int:
    return 1


@late.undo(take, when="started")
def give_back(take: int | None) -> None:
    done.append(f"give back {take}")


async def test_only_steps_of_the_test_are_named() -> None:
    with pytest.raises(UsageError, match="which is no step of flow 'late'"):
        await run_flow(late, None, failures={refund: [None]})
