"""The generated client over PostgREST and Realtime: no connection to the database, and nothing lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import uuid4

import pytest

from pgflow_runtime.errors import (
    ConnectionFailed,
    InvalidInput,
    PermissionDenied,
    RunConflict,
    RunFailed,
    RunNotFound,
    UnknownFlow,
    UsageError,
    WaitTimeout,
    WrongFlow,
)
from pgflow_runtime.supabase import RealtimeClient
from tests.support.core import Core, connect
from tests.support.supabase_server import ANON_KEY, SERVICE_KEY, SupabaseServer
from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def over(server: SupabaseServer, generated: Any, key: str = SERVICE_KEY) -> Any:
    return RealtimeClient.connect(generated.AsyncClient, server.url, key)


def work(lab: Lab, flow: str, output: object) -> None:
    with connect(lab.dsn) as connection:
        Core(connection).work(flow, output)


async def test_a_run_from_start_to_result(supa: Lab, server: SupabaseServer, generated: Any) -> None:
    with supa.worker("relay"):
        async with over(server, generated) as client:
            run = await client.start_relay(21)
            assert await run.result(timeout=30) == {"report": {"twice": 42}}
            assert (run.status, run.input, run.output) == ("completed", 21, {"report": {"twice": 42}})
            again = await client.get_relay(run.run_id)
            assert again.steps["double"].output == 42
            assert await run.step("double").wait_for("completed", timeout=0) == 42
            events = [f"{event.event_type}:{getattr(event, 'step_slug', '')}" async for event in run.events()]
    assert events == [
        "run:started:", "step:started:double", "step:completed:double",
        "step:started:report", "step:completed:report", "run:completed:",
    ]  # fmt: skip
    assert server.joined.count(f"realtime:pgflow:run:{run.run_id}") >= 1


async def test_events_wake_it(
    supa: Lab, server: SupabaseServer, generated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read by the clock here: what is known, Realtime has told of."""
    from pgflow_runtime.client._async import watcher

    monkeypatch.setattr(watcher, "FALLBACK", (3600.0, 3600.0))
    async with over(server, generated) as client:
        run = await client.start_relay(1)
        waiting = asyncio.create_task(run.result(timeout=30))
        await asyncio.to_thread(eventually, lambda: server.joined)
        await quiet(server)
        await asyncio.to_thread(work, supa, "relay", 2)
        await asyncio.to_thread(work, supa, "relay", {"twice": 2})
        assert await waiting == {"report": {"twice": 2}}


async def quiet(server: SupabaseServer) -> None:
    """Until it has read what it wanted to of its own accord."""
    seen = -1
    while seen != len(server.requests):
        seen = len(server.requests)
        await asyncio.sleep(0.3)


async def test_a_dropped_socket_loses_nothing(supa: Lab, server: SupabaseServer, generated: Any) -> None:
    async with over(server, generated) as client:
        run = await client.start_relay(1)
        events: list[str] = []
        ended = asyncio.Event()

        def note(event: Any) -> None:
            events.append(event.event_type)
            if event.event_type == "run:completed":
                ended.set()

        run.on("*", note)
        await asyncio.to_thread(eventually, lambda: server.joined)
        server.is_realtime_down = True
        await asyncio.to_thread(server.drop_sockets)
        await asyncio.to_thread(work, supa, "relay", 2)
        server.is_realtime_down = False
        await asyncio.to_thread(eventually, lambda: len(server.joined) >= 2)
        await asyncio.to_thread(server.drop_sockets)
        await asyncio.to_thread(work, supa, "relay", {"twice": 2})
        await asyncio.wait_for(ended.wait(), 30)
    assert events == [
        "run:started", "step:started", "step:completed", "step:started", "step:completed", "run:completed",
    ]  # fmt: skip


async def test_without_realtime_the_result_comes_all_the_same(
    supa: Lab, server: SupabaseServer, generated: Any
) -> None:
    server.is_realtime_down = True
    with supa.worker("relay"):
        async with over(server, generated) as client:
            assert await (await client.start_relay(2)).result(timeout=30) == {"report": {"twice": 4}}


async def test_a_run_that_fails_says_why_and_where(supa: Lab, server: SupabaseServer, generated: Any) -> None:
    async with over(server, generated) as client:
        run = await client.start_relay(1)

        def fail() -> None:
            with connect(supa.dsn) as connection:
                connection.execute("update pgflow.flows set opt_max_attempts = 1 where flow_slug = 'relay'")
                core = Core(connection)
                (task,) = core.poll("relay")
                core.fail_task(task.run_id, task.step_slug, 0, "broken")

        await asyncio.to_thread(fail)
        with pytest.raises(RunFailed, match=r"in step 'double'.*broken"):
            await run.result(timeout=30)
        assert run.step("double").status == "failed"


async def test_refusals(supa: Lab, server: SupabaseServer, generated: Any) -> None:
    async with over(server, generated) as client:
        with pytest.raises(InvalidInput):
            await client.start_relay("no number")
        with pytest.raises(RunNotFound):
            await client.get_relay(uuid4())
        run = await client.start_relay(1)
        assert (await client.start_relay(1, run_id=run.run_id)).run_id == run.run_id
        with pytest.raises(RunConflict):
            await client.start_relay(2, run_id=run.run_id)
        with pytest.raises(WrongFlow):
            await client.get_slow(run.run_id)
        with pytest.raises(WaitTimeout):
            await run.result(timeout=0)
        supa.sql("select pgflow.delete_flow_and_data('slow')")
        with pytest.raises(UnknownFlow):
            await client.start_slow("x")
        for call in (client.start_many_relay([1, 2]), run.cancel(), client.list_schedules()):
            with pytest.raises(UsageError, match="needs a connection to the database"):
                await call


async def test_an_anon_key_may_what_is_granted(supa: Lab, server: SupabaseServer, generated: Any) -> None:
    async with over(server, generated, ANON_KEY) as client:
        with pytest.raises(PermissionDenied) as refusal:
            await client.start_relay(1)
        assert "start_flow_with_states" in (refusal.value.help or "")
        server.grant(
            ANON_KEY,
            "usage on schema pgflow",
            "execute on function pgflow.start_flow_with_states, pgflow.get_run_with_states",
        )
        assert (await client.start_relay(1)).status == "started"
    async with over(server, generated, "no-key-of-this-project") as client:
        with pytest.raises(PermissionDenied):
            await client.start_relay(1)


async def test_a_schema_that_is_not_exposed(supa: Lab, server: SupabaseServer, generated: Any) -> None:
    server.exposed.remove("pgflow")
    async with over(server, generated) as client:
        with pytest.raises(PermissionDenied, match="schema pgflow is not exposed") as refusal:
            await client.start_relay(1)
    assert "exposed schemas" in (refusal.value.help or "")


async def test_nobody_answers(generated: Any) -> None:
    async with RealtimeClient.connect(
        generated.AsyncClient, "http://127.0.0.1:9", SERVICE_KEY, timeout=0.5
    ) as client:
        with pytest.raises(ConnectionFailed, match=r"http://127\.0\.0\.1:9"):
            await client.start_relay(1)


async def test_all_that_is_missing_is_told_at_once(generated: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_ANON_KEY"):
        monkeypatch.delenv(name, raising=False)
    words = "SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY or SUPABASE_ANON_KEY"
    with pytest.raises(UsageError, match=words):
        async with RealtimeClient.connect(generated.AsyncClient):
            raise AssertionError


async def test_its_key_is_in_no_log(
    supa: Lab, server: SupabaseServer, generated: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with supa.worker("relay"):
        async with over(server, generated) as client:
            await (await client.start_relay(2)).result(timeout=30)
            assert SERVICE_KEY not in repr(client)
    assert "websocket" in caplog.text
    assert SERVICE_KEY not in caplog.text
