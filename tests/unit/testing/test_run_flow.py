"""A flow in memory: what its test sees is what the SQL core and a worker would have made of it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import NotRequired, TypedDict

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from pgflow_runtime import Context, Flow, NonRetryable, RetryAfter
from pgflow_runtime.errors import InvalidInput, RunCancelled, RunFailed, UsageError
from pgflow_runtime.testing import run_flow, start_flow


class Order(TypedDict):
    sku: str
    prices: list[int]
    gift: NotRequired[bool]


class Receipt(TypedDict):
    id: str
    total: float


order = Flow[Order]("order", run_timeout=100_000)


@order.step(base_delay=5, max_attempts=3)
async def charge(flow_input: Order) -> Receipt:
    return {"id": flow_input["sku"], "total": sum(flow_input["prices"])}


@order.array
def parcels(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.map(array=parcels, when_exhausted="skip", start_delay=7)
def weigh(parcel: int, ctx: Context) -> str:
    return f"{parcel} of {ctx.flow_input()['sku']}"


@order.step(if_={"charge": {"id": "tea"}})
def card(charge: Receipt, flow_input: Order) -> str:
    return f"thanks for {len(flow_input['prices'])}"


@order.step(base_delay=100, backoff="fixed")
async def ship(charge: Receipt, ctx: Context, weigh: list[str] | None = None, card: str = "") -> list[str]:
    assert ctx.step_task.flow_slug == "order"
    return [ctx.env.get("REGION", "nowhere"), charge["id"], card, *(weigh or [])]


TEA: Order = {"sku": "tea", "prices": [1, 2]}


async def test_a_flow_runs_to_its_output_without_a_database() -> None:
    run = await run_flow(order, TEA, env={"REGION": "eu"})
    assert (run.status, run.error) == ("completed", None)
    assert run.output == {"ship": ["eu", "tea", "thanks for 2", "1 of tea", "2 of tea"]}
    assert run.step("charge").output == {"id": "tea", "total": 3.0}
    assert isinstance(run.step(charge).output["total"], float)
    assert run.elapsed == 7
    assert run.attempts(weigh) == 2
    assert run.events[0] == "run:started"
    assert run.events[-1] == "run:completed"


async def test_failures_are_retried_after_the_steps_delays() -> None:
    run = await run_flow(order, TEA, failures={charge: [ConnectionError("away"), OSError("again"), None]})
    assert run.status == "completed"
    assert run.attempts("charge") == 3
    assert run.elapsed == 10 + 20 + 7 - 7  # 5 x 2, 5 x 4; the map's delay has passed meanwhile


async def test_the_last_failed_attempt_fails_the_run() -> None:
    run = await run_flow(order, TEA, failures={ship: [ConnectionError("away")] * 3})
    assert run.status == "failed"
    assert run.error == "ConnectionError: away"
    assert run.attempts(ship) == 3
    assert run.elapsed == 7 + 200
    assert run.output is None
    with pytest.raises(RunFailed, match="in step 'ship', task 0: ConnectionError: away") as caught:
        await run.result()
    assert (caught.value.step_slug, caught.value.task_index) == ("ship", 0)


async def test_a_step_may_be_skipped_when_its_attempts_are_exhausted() -> None:
    run = await run_flow(order, TEA, failures={weigh: [NonRetryable("never")]})
    assert run.step("weigh").status == "skipped"
    assert run.step("weigh").skip_reason == "handler_failed"
    assert run.output["ship"] == ["nowhere", "tea", "thanks for 2"]


async def test_conditions_are_judged() -> None:
    run = await run_flow(order, {"sku": "coffee", "prices": []})
    assert run.step("card").skip_reason == "condition_unmet"
    assert run.step("weigh").output == []
    assert run.output == {"ship": ["nowhere", "coffee", ""]}


async def test_replaced_handlers_pass_the_same_judgement() -> None:
    receipt: Receipt = {"id": "r1", "total": 1}
    seen: list[float] = []

    async def shipped(
        charge: Receipt, ctx: Context, weigh: list[str] | None = None, card: str = ""
    ) -> list[str]:
        seen.append(charge["total"])
        return [charge["id"]]

    run = await run_flow(order, TEA, replace=[charge.returns(receipt), ship.replaced(shipped)])
    assert run.output == {"ship": ["r1"]}
    assert repr(seen) == "[1.0]"
    wrong = await run_flow(order, TEA, replace=[charge.returns({"id": 1, "total": 1})])  # type: ignore[typeddict-item]
    assert wrong.status == "failed"
    assert wrong.error == "BoundaryError: output.id: expected string, got int 1"
    assert wrong.attempts(charge) == 1


async def test_a_crash_loses_the_worker_but_no_attempt_of_the_handler() -> None:
    calls: list[int] = []

    def charged(flow_input: Order) -> Receipt:
        calls.append(1)
        return {"id": "r", "total": 0}

    run = await run_flow(order, TEA, replace=[charge.replaced(charged)], crash={charge: 2})
    assert run.status == "completed"
    assert len(calls) == run.attempts(charge) == 3
    assert run.elapsed == 60
    stalled = await run_flow(order, TEA, crash={charge: 3})
    assert (stalled.status, stalled.error) == ("failed", "stalled")


async def test_a_handler_may_say_when_to_try_again() -> None:
    run = await run_flow(order, TEA, failures={charge: [RetryAfter(86_400), None]})
    assert run.elapsed == 86_400
    assert run.attempts("charge") == 2


async def test_the_run_has_its_time_too() -> None:
    run = await run_flow(order, TEA, failures={charge: [RetryAfter(200_000)]})
    assert (run.status, run.error) == ("failed", "timed out after 100000 s")
    assert run.elapsed == 100_000
    assert run.step("charge").status == run.step("ship").status == "cancelled"


async def test_a_run_can_be_looked_at_in_between() -> None:
    run = await start_flow(order, TEA)
    assert (run.status, run.attempts("charge")) == ("started", 0)
    await run.until(charge)
    assert run.attempts("charge") == 0
    await run.until("ship")
    assert run.step(charge).status == "completed"
    assert run.step("ship").status == "started"
    assert run.attempts("ship") == 0
    assert await run.result() == {"ship": ["nowhere", "tea", "thanks for 2", "1 of tea", "2 of tea"]}
    await run.until("ship")


async def test_time_is_let_pass() -> None:
    run = await start_flow(order, TEA, failures={charge: [ValueError(), None]})
    await run.work()
    assert (run.attempts("charge"), run.elapsed) == (1, 0)
    run.advance(9.5)
    await run.work()
    assert (run.attempts("charge"), run.elapsed) == (1, 9.5)
    run.advance(0.5)
    await run.work()
    assert (run.attempts("charge"), run.elapsed) == (2, 10)
    run = await start_flow(order, TEA)
    run.advance(1e6)
    assert (run.status, run.elapsed) == ("failed", 100_000)
    with pytest.raises(UsageError, match="not by -1"):
        run.advance(-1)


async def test_a_run_is_cancelled_and_retried() -> None:
    run = await start_flow(order, TEA)
    await run.until("ship")
    assert run.cancel("no longer wanted")
    assert not run.cancel()
    assert run.step("ship").status == "cancelled"
    with pytest.raises(RunCancelled, match="no longer wanted"):
        await run.result()
    assert run.retry()
    assert not run.retry()
    assert (await run.result())["ship"][1] == "tea"
    assert run.attempts("charge") == 1
    failed = await run_flow(order, TEA, failures={ship: [NonRetryable("no")]})
    assert failed.retry()
    assert (await failed.result())["ship"][1] == "tea"
    assert failed.attempts("ship") == 2


async def test_a_step_that_never_begins_is_said() -> None:
    run = await start_flow(order, TEA, failures={charge: [NonRetryable("no money")]})
    with pytest.raises(UsageError, match="step 'ship' has not begun: it is cancelled, the run failed: NonR"):
        await run.until("ship")


async def test_input_is_judged_as_by_the_client() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'prices'"):
        await run_flow(order, {"sku": "tea", "prices": [], "price": 1})  # type: ignore[arg-type]


tidy = Flow[list[int]]("tidy", timeout=3, max_attempts=1)


@tidy.map(when_exhausted="skip")
def quick(number: int) -> int:
    return number


@tidy.step
async def slow(flow_input: list[int], ctx: Context) -> str:
    await asyncio.sleep(60)
    return "late"


@tidy.step(when_exhausted="skip")
def blocked(flow_input: list[int], ctx: Context) -> str:
    time.sleep(3.5)
    return threading.current_thread().name


async def test_handlers_have_their_timeout() -> None:
    run = await run_flow(tidy, [1])
    error = "TimeoutError: the task did not end within its timeout of 3 s"
    assert (run.status, run.error, run.elapsed) == ("failed", error, 6)
    assert run.step("blocked").error == error


async def test_what_names_no_step_of_the_flow_is_refused() -> None:
    with pytest.raises(UsageError, match="which is no step of flow 'order'"):
        await run_flow(order, TEA, replace=[quick.returns(1)])
    with pytest.raises(UsageError, match="replaces step 'ship' twice"):
        await run_flow(order, TEA, replace=[ship.returns([]), ship.returns(["a"])])
    with pytest.raises(UsageError, match="lists exceptions and None, not 'away'"):
        await run_flow(order, TEA, failures={ship: ["away"]})  # type: ignore[list-item]
    with pytest.raises(UsageError, match="names steps themselves, not 'ship'"):
        await run_flow(order, TEA, crash={"ship": 1})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="is a number of attempts, not -1"):
        await run_flow(order, TEA, crash={ship: -1})
    run = await start_flow(order, TEA)
    with pytest.raises(UsageError, match="has no step 'shop'"):
        run.step("shop")


ledger = Flow[str]("ledger")


@ledger.step(transactional=True)
def write(flow_input: str, ctx: Context) -> str:
    return str(ctx.conn().execute("select 1").fetchone())


async def test_a_connection_is_the_tests_own_to_commit(database_dsn: str) -> None:
    with psycopg.connect(database_dsn) as connection:
        run = await run_flow(ledger, "x", conn=connection)
        assert run.output == {"write": "(1,)"}
        assert connection.info.transaction_status is TransactionStatus.INTRANS


async def test_without_a_connection_the_way_out_is_said() -> None:
    run = await run_flow(ledger, "x", failures={write: [None]})
    assert run.error is not None
    assert "this test gives its handlers no connection: run_flow(..., conn=...)" in run.error
