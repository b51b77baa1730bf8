"""Runs are cancelled, retried, forked, held and released by the clients."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from pgflow_runtime.errors import InvalidInput, OddArgument, RunCancelled, RunFailed, RunNotFound
from tests.support.core import Core
from tests.support.crawl import AsyncClient, Client, finish, name_of

INPUT = {"urls": ["a", "b"]}


def fail_urls(hand: Core) -> None:
    """Take what is queued and fail step ``urls``; the rest goes back."""
    for task in hand.poll("crawl", 100):
        if task.step_slug == "urls":
            hand.fail_task(task.run_id, "urls", 0, "no such host")
        else:
            hand.complete_task(task.run_id, task.step_slug, task.task_index, "n")


async def test_who_waits_for_a_run_learns_that_it_was_cancelled(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        waiting = asyncio.create_task(run.result())
        step = asyncio.create_task(run.step("urls").wait_for("completed"))
        other = await client.get_crawl(run.run_id)
        assert await other.cancel("ordered by mistake") is True
        with pytest.raises(RunCancelled, match="was cancelled: ordered by mistake") as caught:
            await waiting
        assert (caught.value.run_id, caught.value.reason) == (run.run_id, "ordered by mistake")
        with pytest.raises(RunCancelled):
            await step
        assert await run.wait_for() == "cancelled"
        assert (run.status, run.cancel_reason) == ("cancelled", "ordered by mistake")
        assert run.cancelled_at is not None
        assert run.error_message is None
        assert await run.wait_for("cancelled") == "cancelled"


async def test_events_end_with_the_cancellation(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        told: asyncio.Queue[str] = asyncio.Queue()
        run.on("cancelled", lambda event: told.put_nowait(event.reason))
        await run.cancel("enough")
        names = [name_of(event) async for event in run.events()]
        assert (names[0], names[-1]) == ("run:started", "run:cancelled")
        assert sorted(names[1:-1]) == ["note started", "urls started"]
        assert await told.get() == "enough"


async def test_a_run_that_has_ended_is_not_cancelled(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        finish(hand)
        assert await run.cancel() is False
        assert run.status == "completed"
        assert await run.retry() is False
        cancelled = await client.start_crawl(INPUT)
        assert (await cancelled.cancel(), await cancelled.cancel()) == (True, False)
        nobody = uuid4()
        outcomes = await client.cancel_runs([run.run_id, cancelled.run_id, nobody])
        assert outcomes == {
            run.run_id: "already_completed",
            cancelled.run_id: "already_cancelled",
            nobody: "no_such_run",
        }


async def test_a_failed_run_is_retried_in_place(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        fail_urls(hand)
        with pytest.raises(RunFailed, match="no such host"):
            await run.result()
        assert await run.retry() is True
        assert (run.status, run.error_message) == ("started", None)
        assert (await client.get_crawl(run.run_id)).status == "started"
        waiting = asyncio.create_task(run.result())
        finish(hand)
        assert await waiting == {"note": "n", "report": {"pages": 2}}
        assert await run.retry() is False


async def test_a_cancelled_run_is_retried_in_place(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        await run.cancel()
        assert await client.retry_runs([run.run_id], spread=0.0) == {run.run_id: "retried"}
        again = await client.get_crawl(run.run_id)
        finish(hand)
        assert await again.result() == {"note": "n", "report": {"pages": 2}}


async def test_a_fork_takes_over_what_was_done(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        finish(hand)
        fork = await client.fork_crawl(run.run_id, ["report"])
        assert (fork.status, fork.run_id != run.run_id) == ("started", True)
        assert {slug: step.reused for slug, step in fork.steps.items()} == {
            "urls": True,
            "fetch": True,
            "note": True,
            "report": False,
        }
        finish(hand, ("a", "b", "c"))
        assert await fork.result() == {"note": "n", "report": {"pages": 3}}
        with pytest.raises(InvalidInput):
            await client.fork_crawl(run.run_id, ["urls"], {"urls": "a"})
        with pytest.raises(OddArgument, match="note"):
            await client.fork_crawl(run.run_id, ["urls"], {"urls": ["z"]})  # a reused step may have read it
        with pytest.raises(RunNotFound):
            await client.fork_crawl(uuid4(), ["report"])


async def test_a_held_run_waits_until_it_is_released(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        assert await client.hold_runs([run.run_id]) == {run.run_id: "held"}
        assert hand.poll("crawl", 100) == []
        await run.refresh()
        assert (run.status, run.held_at is not None) == ("started", True)
        assert await client.hold_runs([run.run_id]) == {run.run_id: "already_held"}
        assert await client.release_runs([run.run_id]) == {run.run_id: "released"}
        assert await client.release_runs([run.run_id]) == {run.run_id: "not_held"}
        finish(hand)
        assert await run.result() == {"note": "n", "report": {"pages": 2}}


async def test_runs_are_chosen_by_a_filter(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        failed = await client.start_many_crawl([INPUT, {"urls": ["c"]}])
        fail_urls(hand)
        going = await client.start_crawl(INPUT)
        since = datetime.now(UTC) - timedelta(hours=1)
        assert await client.count_runs_where(flow="crawl") == 3
        assert (
            await client.retry_runs_where(
                flow="crawl",
                started_after=since,
                error_contains="no such host",
                input_contains={"urls": ["c"]},
            )
            == 1
        )
        assert [(await client.get_crawl(run.run_id)).status for run in failed] == ["failed", "started"]
        assert await client.hold_runs_where(flow="crawl") == 2
        assert await client.release_runs_where(flow="crawl") == 2
        before = hand.value("select clock_timestamp()")
        assert await client.cancel_runs_where(flow="crawl", reason="the end") == 2
        done = hand.rows("select * from pgflow.list_actions()")[0].arguments
        bound = datetime.fromisoformat(done["filter"]["started_before"])
        assert before <= bound <= hand.value("select clock_timestamp()"), "what starts meanwhile is not meant"
        assert (await client.get_crawl(going.run_id)).cancel_reason == "the end"
        with pytest.raises(OddArgument, match="time"):
            await client.retry_runs_where(flow="crawl", error_contains="host")


def test_the_sync_client_does_the_same(dsn: str, hand: Core) -> None:
    with Client.connect(dsn) as client:
        run = client.start_crawl(INPUT)
        assert run.cancel("no") is True
        with pytest.raises(RunCancelled, match="no"):
            run.result()
        assert run.retry() is True
        finish(hand)
        assert run.result() == {"note": "n", "report": {"pages": 2}}
        assert client.fork_crawl(run.run_id, ["report"]).step("urls").output == ["a", "b"]
