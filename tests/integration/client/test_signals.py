"""Clients send signals to runs, by id, key and token, and learn who waits; runs begin later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from pgflow_runtime.client.tokens import Claims, make_token
from pgflow_runtime.errors import InvalidInput, InvalidToken, RunNotFound, UsageError
from tests.support.core import Core, connect
from tests.support.orders import AsyncClient, Client, add_order
from tests.support.timers import fire, pass_time

ORDER = {"order_id": "order-7"}
YES = {"by": "ann"}
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def hand(plain_database_dsn: str) -> Iterator[Core]:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        add_order(core, deadline=3600)
        yield core


@pytest.fixture
def dsn(hand: Core, plain_database_dsn: str) -> str:
    return plain_database_dsn


@pytest.fixture
def signal_key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PGFLOW_SIGNAL_KEY", KEY)
    return KEY


async def test_an_answer_completes_the_step_that_waits(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order(ORDER)
        hand.work("order")
        await run.refresh()
        wait = run.steps["approval"].wait
        assert wait is not None
        assert (wait.waits_for, wait.key) == ("signal", "order-7")
        assert wait.until is not None
        assert await run.send_approval(YES, dedupe="click-17") == "taken"
        assert await run.send_approval(YES, dedupe="click-17") == "duplicate"
        assert await run.send_approval(YES) == "late"
        await run.refresh()
        assert run.steps["approval"].output == YES
        assert run.steps["approval"].wait is None


async def test_what_does_not_fit_is_never_sent(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order(ORDER)
        with pytest.raises(InvalidInput, match=r"payload\.amount: ") as caught:
            await run.send_approval({"by": "ann", "amount": "much"})
        assert caught.value.path == "payload.amount"
        with pytest.raises(InvalidInput, match="payload"):
            await run.send_approval({**YES, "bye": 1})
        with pytest.raises(InvalidInput):
            await client.send_order_approval("order-7", {"by": 5})
        assert hand.rows("select * from pgflow.signals") == []


async def test_a_run_that_is_not_there(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order(ORDER)
        hand.run_sql("select pgflow.delete_flow_and_data('order')")
        with pytest.raises(RunNotFound):
            await run.send_approval(YES)


async def test_by_key_all_runs_that_have_it(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        first, second, _ = await client.start_many_order([ORDER, ORDER, {"order_id": "order-8"}])
        found = await client.send_order_approval("order-7", YES)
        assert found == {first.run_id: "kept", second.run_id: "kept"}
        assert await client.send_order_approval("nothing", YES) == {}


async def test_who_waits(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        runs = await client.start_many_order([ORDER, {"order_id": "order-8"}])
        assert await client.waiting_for_order_approval() == []
        hand.work("order")
        hand.work("order")
        found = await client.waiting_for_order_approval()
        assert {(item.run_id, item.key) for item in found} == {
            (runs[0].run_id, "order-7"),
            (runs[1].run_id, "order-8"),
        }
        assert len(await client.waiting_for_order_approval(1)) == 1
        assert await client.list_waiting_signals() == found
        assert {item.step_slug for item in found} == {"approval"}


class TestTokens:
    async def test_the_bearer_answers(self, dsn: str, hand: Core, signal_key: str) -> None:
        async with AsyncClient.connect(dsn) as client:
            run = await client.start_order(ORDER)
            token = run.signal_token("approval")
            assert str(run.run_id) not in token
            with pytest.raises(InvalidInput):
                await client.send_by_token(token, {"by": 5})
            assert await client.send_by_token(token, YES) == "kept"
            hand.work("order")
            await run.refresh()
            assert run.steps["approval"].output == YES

    @pytest.mark.parametrize("index", [0, 5, -1])
    async def test_a_changed_one_is_refused(self, dsn: str, hand: Core, signal_key: str, index: int) -> None:
        async with AsyncClient.connect(dsn) as client:
            run = await client.start_order(ORDER)
            token = run.signal_token("approval")
            letters = list(token)
            letters[index] = "A" if letters[index] != "A" else "B"
            for wrong in ("".join(letters), "", "a.b", "ü.ü", token.replace(".", "")):
                with pytest.raises(InvalidToken):
                    await client.send_by_token(wrong, YES)
            assert hand.rows("select * from pgflow.signals") == []

    async def test_one_of_another_key_or_that_has_expired(
        self, dsn: str, hand: Core, signal_key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with AsyncClient.connect(dsn) as client:
            run = await client.start_order(ORDER)
            token = run.signal_token("approval")
            with pytest.raises(InvalidToken, match="expired"):
                await client.send_by_token(run.signal_token("approval", expires_in=0.001), YES)
            monkeypatch.setenv("PGFLOW_SIGNAL_KEY", KEY.upper())
            with pytest.raises(InvalidToken, match="not made by this application"):
                await client.send_by_token(token, YES)

    async def test_without_a_key_of_its_own_nobody_makes_or_takes_them(
        self, dsn: str, hand: Core, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with AsyncClient.connect(dsn) as client:
            run = await client.start_order(ORDER)
            monkeypatch.delenv("PGFLOW_SIGNAL_KEY", raising=False)
            with pytest.raises(UsageError, match="PGFLOW_SIGNAL_KEY is not set"):
                run.signal_token("approval")
            monkeypatch.setenv("PGFLOW_SIGNAL_KEY", "short")
            with pytest.raises(UsageError, match="fewer than 32 characters"):
                await client.send_by_token("a.b", YES)

    async def test_for_a_step_that_waits_for_nobody(self, dsn: str, hand: Core, signal_key: str) -> None:
        async with AsyncClient.connect(dsn) as client:
            run = await client.start_order(ORDER)
            with pytest.raises(UsageError, match="has no signal 'ship'"):
                run.signal_token("ship")
            with pytest.raises(UsageError, match="flow 'other', which this client does not know"):
                await client.send_by_token(make_token(Claims(run.run_id, "other", "approval"), 60), YES)


class TestCallersTransaction:
    """``conn=``: what is asked for happens exactly if the caller's transaction commits."""

    @pytest.mark.parametrize("commits", [True, False])
    async def test_a_run_is_there_exactly_if_it_commits(self, dsn: str, hand: Core, commits: bool) -> None:
        async with AsyncClient.connect(dsn) as client, await AsyncConnection.connect(dsn) as conn:
            run = await client.start_order(ORDER, conn=conn)
            assert hand.rows("select * from pgflow.runs") == []
            await (conn.commit() if commits else conn.rollback())
            assert len(hand.rows("select * from pgflow.runs where run_id = %s", run.run_id)) == int(commits)

    async def test_a_signal_is_sent_exactly_if_it_commits(self, dsn: str, hand: Core) -> None:
        connecting = AsyncConnection.connect(dsn, row_factory=dict_row)
        async with AsyncClient.connect(dsn) as client, await connecting as conn:
            run = await client.start_order(ORDER)
            assert await run.send_approval(YES, conn=conn) == "kept"
            assert list((await client.send_order_approval("order-7", YES, conn=conn)).values()) == ["kept"]
            await conn.rollback()
            assert hand.rows("select * from pgflow.signals") == []
            assert await run.send_approval(YES, conn=conn) == "kept"
            await conn.commit()
            assert len(hand.rows("select * from pgflow.signals")) == 1

    def test_a_sync_client_takes_a_sync_connection(self, dsn: str, hand: Core) -> None:
        with Client.connect(dsn) as client, psycopg.connect(dsn) as conn:
            run = client.start_order(ORDER, conn=conn)
            run.send_approval(YES, conn=conn)
            conn.commit()
            hand.work("order")
            run.refresh()
            assert run.steps["approval"].status == "completed"

    async def test_another_kind_of_connection_is_refused(self, dsn: str, hand: Core) -> None:
        async with AsyncClient.connect(dsn) as client:
            with psycopg.connect(dsn) as conn, pytest.raises(UsageError, match="no connection of psycopg"):
                await client.start_order(ORDER, conn=conn)  # type: ignore[arg-type]


class TestStartingLater:
    async def test_it_waits_for_its_time_and_tells_of_its_start_then(self, dsn: str, hand: Core) -> None:
        at = datetime.now(UTC) + timedelta(hours=1)
        async with AsyncClient.connect(dsn) as client:
            run = await client.start_order(ORDER, start_at=at)
            assert (run.status, run.begins_at) == ("started", at)
            told: asyncio.Queue[datetime] = asyncio.Queue()
            run.on("started", lambda event: told.put_nowait(event.at))
            await run.refresh()
            assert (run.begins_at, told.empty()) == (at, True)
            assert hand.poll("order") == []
            pass_time(hand, 3600)
            fire(hand)
            await told.get()
            assert run.begins_at is None
            assert [task.step_slug for task in hand.poll("order")] == ["charge"]

    async def test_it_can_be_cancelled_before(self, dsn: str, hand: Core) -> None:
        async with AsyncClient.connect(dsn) as client:
            run = await client.start_order(ORDER, start_at=datetime.now(UTC) + timedelta(days=1))
            assert await run.cancel() is True
            assert await run.wait_for("cancelled") == "cancelled"

    async def test_a_time_without_a_zone_is_refused(self, dsn: str, hand: Core) -> None:
        async with AsyncClient.connect(dsn) as client:
            with pytest.raises(UsageError, match="has no time zone"):
                await client.start_order(ORDER, start_at=datetime(2030, 1, 1))
            run = await client.start_order(ORDER, start_at=datetime(1900, 1, 1, tzinfo=UTC), run_id=uuid4())
            assert run.begins_at is None
