"""The asynchronous client against a real database, with the worker's part done by hand."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from pgflow_runtime.errors import (
    ClientClosed,
    ConnectionFailed,
    CoreMissing,
    CoreTooNew,
    CoreTooOld,
    InvalidInput,
    RunConflict,
    RunFailed,
    RunNotFound,
    ShapeMismatch,
    StepSkipped,
    UnknownFlow,
    UsageError,
    WaitTimeout,
    WrongFlow,
)
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_sql import SCHEMA_VERSION
from tests.support.core import Core, connect
from tests.support.crawl import AsyncClient, AsyncCrawlRun, check_order, finish, name_of
from tests.support.wait import eventually_async

INPUT = {"urls": ["a", "b"]}


def condition(hand: Core, step_slug: str, pattern: dict[str, Any], when_unmet: str) -> None:
    """Give a step a condition on its input."""
    hand.run_sql(
        "update pgflow.steps set required_input_pattern = %s, when_unmet = %s where step_slug = %s",
        Jsonb(pattern),
        when_unmet,
        step_slug,
    )


def session_count(hand: Core) -> int:
    """How many sessions beside our own are in the database."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and pid <> %s"
    return int(hand.value(query, hand.connection.info.backend_pid))


async def watched(dsn: str, run_id: UUID) -> None:
    """Wait until a client has announced that it watches the run."""

    async def probe() -> bool:
        with connect(dsn) as connection:
            query = "select count(*) from pgflow.announcements where channel = %s"
            row = connection.execute(query, [f"pgflow_run_{run_id.hex}"]).fetchone()
            return bool(row and row[0])

    await eventually_async(probe)


# -- connecting -------------------------------------------------------------------------------------------


async def test_client_can_be_entered_or_awaited(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        first = await client.start_crawl(INPUT)
    awaited = await AsyncClient.connect(dsn)
    async with awaited:
        assert (await awaited.get_crawl(first.run_id)).input == INPUT
    await awaited.aclose()


async def test_server_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(ConnectionFailed, match="localhost:1") as failure:
        await AsyncClient.connect("postgresql://u:secret@localhost:1/none")
    assert failure.value.help is not None
    assert "secret" not in str(failure.value)


async def test_database_without_the_core_says_to_migrate(bare_database_dsn: str) -> None:
    with pytest.raises(CoreMissing) as failure:
        await AsyncClient.connect(bare_database_dsn)
    assert "pgflow-gen migrate" in (failure.value.help or "")


def pretend(hand: Core, version: int, oldest_client: int) -> None:
    """Have the core say that it is another one."""
    hand.run_sql(
        f"create or replace function pgflow.schema_version() returns int language sql as 'select {version}'"
    )
    hand.run_sql(
        "create or replace function pgflow.oldest_program() returns table (worker int, client int)"
        f" language sql as 'select 1, {oldest_client}'"
    )


@pytest.mark.parametrize(("version", "oldest", "error"), [(0, 0, CoreTooOld), (99, 98, CoreTooNew)])
async def test_database_with_another_core_is_refused(
    dsn: str, hand: Core, version: int, oldest: int, error: type[Exception]
) -> None:
    pretend(hand, version, oldest)
    with pytest.raises(error, match=f"version {version} "):
        await AsyncClient.connect(dsn)


async def test_a_newer_core_that_still_serves_this_client_is_taken(dsn: str, hand: Core) -> None:
    pretend(hand, SCHEMA_VERSION + 1, SCHEMA_VERSION)
    async with AsyncClient.connect(dsn) as client:
        assert (await client.start_crawl({"urls": []})).status == "started"


# -- starting ---------------------------------------------------------------------------------------------


async def test_input_that_does_not_fit_never_reaches_the_database(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        with pytest.raises(InvalidInput, match=r"input\.urls\[1\]: expected string, got int 5"):
            await client.start_crawl({"urls": ["a", 5]})
        with pytest.raises(InvalidInput, match="unknown key 'langauge'; did you mean 'language'"):
            await client.start_crawl({"urls": [], "langauge": "en"})
        with pytest.raises(InvalidInput, match=r"inputs\[1\]: the key 'urls' is missing"):
            await client.start_many_crawl([INPUT, {}])
    assert hand.value("select count(*) from pgflow.runs") == 0


async def test_starting_again_with_the_same_id_and_input_returns_the_same_run(dsn: str) -> None:
    run_id = uuid4()
    async with AsyncClient.connect(dsn) as client:
        first = await client.start_crawl(INPUT, run_id=run_id)
        again = await client.start_crawl({"urls": ["a", "b"]}, run_id=run_id)
        assert first.run_id == again.run_id == run_id
        with pytest.raises(RunConflict):
            await client.start_crawl({"urls": ["c"]}, run_id=run_id)


async def test_batch_starts_in_order_and_all_or_nothing(dsn: str, hand: Core) -> None:
    taken = uuid4()
    async with AsyncClient.connect(dsn) as client:
        runs = await client.start_many_crawl([{"urls": [str(index)]} for index in range(20)])
        assert [run.input for run in runs] == [{"urls": [str(index)]} for index in range(20)]
        assert await client.start_many_crawl([]) == []
        await client.start_crawl(INPUT, run_id=taken)
        with pytest.raises(RunConflict):
            await client.start_many_crawl([{"urls": []}, {"urls": ["x"]}], run_ids=[uuid4(), taken])
        with pytest.raises(UsageError, match="2 inputs but 1 run ids"):
            await client.start_many_crawl([INPUT, INPUT], run_ids=[uuid4()])
    assert hand.value("select count(*) from pgflow.runs") == 21


async def test_flow_that_was_not_migrated_is_named(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        with pytest.raises(UnknownFlow, match="crawl_v2") as failure:
            await client.start_other(INPUT)
    assert failure.value.help


async def test_flow_with_other_steps_than_the_client_knows_is_refused(dsn: str, hand: Core) -> None:
    hand.add_step("crawl", "extra", ["note"])
    async with AsyncClient.connect(dsn) as client:
        with pytest.raises(ShapeMismatch, match="it has a step 'extra' more"):
            await client.start_crawl(INPUT)
    assert hand.value("select count(*) from pgflow.runs") == 0


async def test_connections_the_server_ended_are_not_handed_out(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn, max_connections=8, connect_timeout=5) as client:
        await asyncio.gather(*(client.start_crawl(INPUT) for _ in range(40)))
        hand.run_sql(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert (await client.start_crawl(INPUT)).status == "started"


async def test_values_come_back_as_they_were(dsn: str, hand: Core) -> None:
    value = {"urls": ["", "ä🎉", "\u2028", '"\\']}
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(value)
        assert run.input == value
        outputs: list[Any] = [0, False, "", [], None, {"x": [None]}]
        for output in outputs:
            other = await client.start_crawl({"urls": []})
            hand.poll("crawl", 100)
            hand.complete_task(other.run_id, "note", 0, output)
            assert await other.step("note").wait_for("completed") == output


# -- finding ----------------------------------------------------------------------------------------------


async def test_unknown_run_and_run_of_another_flow(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        with pytest.raises(RunNotFound, match="there is no run"):
            await client.get_crawl(uuid4())
        run = await client.start_crawl(INPUT)
        with pytest.raises(WrongFlow, match="'crawl', not to 'crawl_v2'") as failure:
            await client.get_other(run.run_id)
        assert "get_crawl" in (failure.value.help or "")


# -- waiting ----------------------------------------------------------------------------------------------


async def test_result_of_a_run_that_ends_while_waiting_comes_by_notification(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        waiting = asyncio.create_task(run.result(timeout=30))
        await watched(dsn, run.run_id)
        await asyncio.to_thread(finish, hand)
        assert await waiting == {"note": "n", "report": {"pages": 2}}
        assert (run.status, run.output) == ("completed", {"note": "n", "report": {"pages": 2}})
        assert run.completed_at is not None


async def test_result_of_a_run_that_ended_before(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        finish(hand)
        assert await run.result() == {"note": "n", "report": {"pages": 2}}
        found = await client.get_crawl(run.run_id)
        assert await found.step("fetch").wait_for("completed") == [{"url": "a"}, {"url": "b"}]
        assert await found.result(timeout=0) == await run.result(timeout=0)


async def test_poll_only_client_needs_no_notifications(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn, poll_only=True) as client:
        run = await client.start_crawl(INPUT)
        waiting = asyncio.create_task(run.result(timeout=30))
        await asyncio.to_thread(finish, hand)
        assert await waiting == {"note": "n", "report": {"pages": 2}}
    assert hand.value("select count(*) from pgflow.announcements") == 0


async def test_timeout_failure_and_cancellation_are_three_different_things(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        with pytest.raises(WaitTimeout, match=r"is still started after 0\.01 s; waited for completed"):
            await run.result(timeout=0.01)
        with pytest.raises(WaitTimeout, match=r"step 'report' of run .* is still created"):
            await run.step("report").wait_for("completed", timeout=0)
        waiting = asyncio.create_task(run.result())
        await watched(dsn, run.run_id)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await eventually_async(lambda: nobody_watches(hand))
        hand.poll("crawl", 100)
        hand.fail_task(run.run_id, "urls", 0, "out of stock")
        with pytest.raises(RunFailed, match=r"in step 'urls', task 0: .*out of stock") as failure:
            await run.result()
        assert (failure.value.step_slug, failure.value.task_index) == ("urls", 0)
        assert failure.value.flow_slug == "crawl"


async def nobody_watches(hand: Core) -> bool:
    """Nothing is announced, and no session but ours listens."""
    return bool(hand.value("select count(*) = 0 from pgflow.announcements"))


async def test_waiting_ends_on_any_final_status(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        good, bad = await client.start_many_crawl([INPUT, INPUT])
        hand.poll("crawl", 100)
        hand.fail_task(bad.run_id, "note", 0, "no")
        assert await bad.wait_for() == "failed"
        assert await bad.wait_for("failed", timeout=1) == "failed"
        assert bad.error_message is not None
        with pytest.raises(RunFailed):
            await bad.wait_for("completed")
        with pytest.raises(RunFailed):
            await bad.step("report").wait_for("started")
        assert await bad.step("note").wait_for("failed") == "failed"
        hand.complete_task(good.run_id, "note", 0, "n")
        hand.complete_task(good.run_id, "urls", 0, [])
        hand.poll("crawl", 100)
        hand.complete_task(good.run_id, "report", 0, "r")
        assert await good.wait_for("failed") == "completed"
        assert await good.step("note").wait_for("skipped") == "completed"
        assert await good.step("fetch").wait_for("started") == "completed"
        assert await good.step("fetch").wait_for("completed") == []


async def test_run_that_fails_at_once_is_returned_failed(dsn: str, hand: Core) -> None:
    condition(hand, "note", {"x": 1}, "fail")
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        assert run.status == "failed"
        with pytest.raises(RunFailed, match="step 'note'"):
            await run.result()


async def test_skipped_steps(dsn: str, hand: Core) -> None:
    condition(hand, "note", {"language": "en"}, "skip")
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        with pytest.raises(StepSkipped, match="condition_unmet"):
            await run.step("note").wait_for("completed")
        assert await run.step("note").wait_for("skipped") == "skipped"
        assert await run.step("note").wait_for() == "skipped"
        assert await run.step("note").wait_for("completed", "skipped") == "skipped"
        assert run.step("note").skip_reason == "condition_unmet"


async def test_output_that_is_sql_null_is_an_empty_object(dsn: str, hand: Core) -> None:
    condition(hand, "note", {"x": 1}, "skip")
    condition(hand, "urls", {"x": 1}, "skip-cascade")
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        assert await run.result() == {}
    assert hand.run(run.run_id).output is None


async def test_unknown_step_is_named(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        with pytest.raises(UsageError, match="no step 'fecth'"):
            run.step("fecth")


async def test_deleted_run_ends_the_wait(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        waiting = asyncio.create_task(run.result(timeout=30))
        await watched(dsn, run.run_id)
        for table in ("step_tasks", "step_states", "runs"):
            hand.run_sql(f"delete from pgflow.{table}")
        with pytest.raises(RunNotFound):
            await waiting


# -- events -----------------------------------------------------------------------------------------------


async def test_early_and_late_subscribers_get_all_events_in_the_promised_order(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)

        async def collect() -> list[str]:
            return [name_of(event) async for event in run.events()]

        early = asyncio.create_task(collect())
        await watched(dsn, run.run_id)
        await asyncio.to_thread(finish, hand)
        live = await early
        late = await collect()
    async with AsyncClient.connect(dsn) as other:
        derived = [name_of(event) async for event in (await other.get_crawl(run.run_id)).events()]
    for names in (live, late, derived):
        check_order(names)
        assert len(names) == 10
    assert set(live) == set(late) == set(derived)


async def test_events_carry_what_happened(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl({"urls": []})
        finish(hand, ())
        events: dict[str, Any] = {name_of(event): event async for event in run.events()}
    assert events["run:started"].input == {"urls": []}
    assert events["urls started"].task_count == 1
    assert "fetch started" not in events
    assert events["fetch completed"].output == []
    assert events["run:completed"].output == {"note": "n", "report": {"pages": 0}}
    assert events["report completed"].flow_slug == "crawl"


async def test_events_of_a_step_end_with_its_end(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        hand.poll("crawl", 100)
        hand.complete_task(run.run_id, "note", 0, "n")
        assert [event.status async for event in run.step("note").events()] == ["started", "completed"]
        assert run.status == "started"


async def test_leaving_the_loop_leaves_nothing_behind(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        async for _event in run.events():
            break
        await eventually_async(lambda: nobody_watches(hand))


async def test_callbacks(dsn: str, hand: Core, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    steps: list[str] = []
    ended: list[str] = []

    async def on_step(event: Any) -> None:
        await asyncio.sleep(0)
        steps.append(event.status)

    def broken(event: Any) -> None:
        raise ValueError("my own fault")

    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        run.on("*", lambda event: seen.append(name_of(event)))
        run.on("*", broken)
        run.step("note").on("*", on_step)
        unsubscribe = run.on("completed", lambda event: ended.append("never"))
        run.on("completed", lambda event: ended.append(event.event_type))
        await eventually_async(_truth(lambda: "run:started" in seen))
        unsubscribe()
        await asyncio.to_thread(finish, hand)
        await run.result()
        await eventually_async(_truth(lambda: len(seen) == 10 and len(steps) == 2 and ended))
        check_order(seen)
        assert steps == ["started", "completed"]
        assert ended == ["run:completed"]
        late: list[str] = []
        run.on("started", lambda event: late.append(event.event_type))
        await eventually_async(_truth(lambda: late == ["run:started"]))
        await eventually_async(lambda: nobody_watches(hand))
    assert "my own fault" in caplog.text


def _truth(probe: Any) -> Any:
    async def asked() -> bool:
        return bool(probe())

    return asked


# -- ending -----------------------------------------------------------------------------------------------


async def test_disposing_ends_the_waits_of_that_run_only(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        one, two = await client.start_many_crawl([INPUT, INPUT])
        waits = [asyncio.create_task(run.result(timeout=30)) for run in (one, two)]
        await watched(dsn, two.run_id)
        await watched(dsn, one.run_id)
        await client.dispose(one.run_id)
        with pytest.raises(ClientClosed):
            await waits[0]
        assert not waits[1].done()
        await client.dispose_all()
        with pytest.raises(ClientClosed):
            await waits[1]
        finish(hand)
        assert await (await client.get_crawl(one.run_id)).result() is not None


async def test_closing_ends_all_waits_and_sessions(dsn: str, hand: Core) -> None:
    client = await AsyncClient.connect(dsn)
    run = await client.start_crawl(INPUT)
    waiting = asyncio.create_task(run.result(timeout=30))
    await watched(dsn, run.run_id)
    await client.aclose()
    with pytest.raises(ClientClosed):
        await waiting
    with pytest.raises(ClientClosed):
        await run.result()
    await eventually_async(lambda: nobody_watches(hand))
    others = (
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    await eventually_async(_truth(lambda: hand.value(others) == 0))


async def test_run_nobody_holds_is_released(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        run: AsyncCrawlRun | None = await client.start_crawl(INPUT)
        assert run is not None
        same = await client.get_crawl(run.run_id)
        assert same._feed is run._feed
        del run, same
        gc.collect()
        assert len(client._feeds) == 0


async def test_lost_connections_only_delay(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        waiting = asyncio.create_task(run.result(timeout=60))
        await watched(dsn, run.run_id)
        hand.run_sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await asyncio.to_thread(finish, hand)
        assert await waiting == {"note": "n", "report": {"pages": 2}}
        assert (await client.start_crawl(INPUT)).status == "started"


async def test_many_waiters_share_one_listening_session(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        runs = await client.start_many_crawl([INPUT] * 50)
        waits = [asyncio.create_task(run.result(timeout=60)) for run in runs for _ in range(2)]
        await watched(dsn, runs[-1].run_id)
        assert session_count(hand) <= 5
        await asyncio.to_thread(finish, hand)
        assert all(found == {"note": "n", "report": {"pages": 2}} for found in await asyncio.gather(*waits))


async def test_waiting_reads_neither_input_nor_known_outputs_again(
    dsn: str, hand: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings while waiting carry each output once; what the client shows is as after a full reading."""
    documents: list[dict[str, Any]] = []
    original = RunSnapshot.updated

    def updated(self: RunSnapshot, document: dict[str, Any]) -> RunSnapshot:
        documents.append(document)
        return original(self, document)

    monkeypatch.setattr(RunSnapshot, "updated", updated)
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_crawl(INPUT)
        waiting = asyncio.create_task(run.result(timeout=60))
        await watched(dsn, run.run_id)
        await asyncio.to_thread(finish, hand)
        await waiting
        outputs = [
            step["step_slug"] for document in documents for step in document["steps"] if "output" in step
        ]
        assert sorted(outputs) == sorted(run.steps)
        assert all("input" not in document["run"] for document in documents)
        fresh = RunSnapshot.read(hand.value("select pgflow.get_run_with_states(%s)", run.run_id))
        assert run.steps == fresh.steps
        assert (run.input, run.output) == (INPUT, fresh.output)


async def test_role_that_may_only_call_functions_learns_step_task_and_message(dsn: str, hand: Core) -> None:
    role = f"pgflow_reader_{uuid4().hex[:8]}"
    hand.run_sql(f"create role {role} login")
    try:
        hand.run_sql(f"grant usage on schema pgflow to {role}")
        hand.run_sql(f"grant execute on all functions in schema pgflow to {role}")
        async with AsyncClient.connect(make_conninfo(dsn, user=role)) as client:
            run = await AsyncClient.connect(dsn)
            started = await run.start_crawl(INPUT)
            await run.aclose()
            hand.poll("crawl", 100)
            hand.fail_task(started.run_id, "note", 0, "no")
            found = await client.get_crawl(started.run_id)
            with pytest.raises(RunFailed, match="in step 'note', task 0: no") as failure:
                await found.result(timeout=30)
            assert failure.value.task_index == 0
    finally:
        hand.run_sql(f"drop owned by {role}")
        hand.run_sql(f"drop role {role}")
