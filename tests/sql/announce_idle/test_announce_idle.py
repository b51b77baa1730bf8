"""Idle workers announce themselves and are woken by a notification."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, claim_one, complete, fail, register, release
from tests.support.core import Core
from tests.support.notifications import Listener, listening

WORK = ("pgflow_work_myflow", "")


@pytest.fixture(autouse=True)
def _flows(live: Core) -> None:
    live.flow("MyFlow", "a", "b < a", "c < a", base_delay=0)
    live.flow("Other", "a")


@pytest.fixture
def listener(live_dsn: str) -> Iterator[Listener]:
    with listening(live_dsn, "pgflow_work_myflow", "pgflow_work_other", "pgflow_work_MyFlow") as found:
        yield found


@pytest.fixture
def worker(live: Core) -> UUID:
    return register(live, "MyFlow")


def announce(core: Core, *workers: UUID, seconds: int = 60) -> float | None:
    found: float | None = core.value("select pgflow.announce_idle(%s, %s)", list(workers), seconds)
    return found


class TestWaitingTime:
    def test_empty_queue(self, live: Core, worker: UUID) -> None:
        assert announce(live, worker) is None

    def test_a_visible_message(self, live: Core, worker: UUID) -> None:
        live.start_flow("MyFlow")
        assert announce(live, worker) == 0

    def test_the_earliest_invisible_message(self, live: Core, worker: UUID) -> None:
        live.start_flow("MyFlow")
        live.start_flow("MyFlow")
        live.rows("select pgmq.set_vt('MyFlow', msg_id, 1000 * msg_id::int) from pgmq.q_myflow")
        wait = announce(live, worker)
        assert wait is not None
        assert 900 < wait <= 1000

    def test_several_workers_of_several_flows(self, live: Core, worker: UUID) -> None:
        other = register(live, "Other")
        assert announce(live, worker, other) is None
        live.start_flow("Other")
        assert announce(live, worker) is None
        assert announce(live, worker, other) == 0
        live.rows("select pgmq.set_vt('Other', msg_id, 500) from pgmq.q_other")
        wait = announce(live, worker, other)
        assert wait is not None
        assert 400 < wait <= 500

    def test_nobody(self, live: Core) -> None:
        assert announce(live) is None


class TestWaking:
    def test_by_a_started_run(self, live: Core, worker: UUID, listener: Listener) -> None:
        announce(live, worker)
        live.start_flow("MyFlow")
        assert listener.received() == [WORK]

    def test_once_a_transaction(self, live: Core, worker: UUID, listener: Listener) -> None:
        announce(live, worker)
        with live.connection.transaction():
            live.rows("select * from pgflow.start_flows('MyFlow', %s)", [Jsonb(1), Jsonb(2)])
            live.start_flow("MyFlow")
        assert listener.received() == [WORK]

    def test_by_a_completion(self, live: Core, worker: UUID, listener: Listener) -> None:
        live.start_flow("MyFlow")
        task = claim_one(live, worker, "MyFlow")
        announce(live, worker)
        complete(live, [task])
        assert listener.received() == [WORK]

    def test_by_what_a_hand_over_left(self, live: Core, worker: UUID, listener: Listener) -> None:
        live.start_flow("MyFlow")
        task = claim_one(live, worker, "MyFlow")
        announce(live, register(live, "MyFlow"))
        assert len(complete(live, [task], hand_over=1)) == 1
        assert listener.received() == [WORK]

    def test_not_when_all_was_handed_over(self, live: Core, worker: UUID, listener: Listener) -> None:
        live.start_flow("MyFlow")
        task = claim_one(live, worker, "MyFlow")
        announce(live, register(live, "MyFlow"))
        assert len(complete(live, [task], hand_over=2)) == 2
        assert listener.received() == []

    def test_by_a_release(self, live: Core, worker: UUID, listener: Listener) -> None:
        live.start_flow("MyFlow")
        task = claim_one(live, worker, "MyFlow")
        announce(live, worker)
        release(live, [task])
        assert listener.received() == [WORK]

    def test_by_a_retry_without_delay(self, live: Core, worker: UUID, listener: Listener) -> None:
        live.start_flow("MyFlow")
        task = claim_one(live, worker, "MyFlow")
        announce(live, worker)
        fail(live, [task])
        assert listener.received() == [WORK]

    def test_by_recovered_tasks(self, live: Core, worker: UUID, listener: Listener) -> None:
        live.start_flow("MyFlow")
        claim_one(live, worker, "MyFlow")
        live.run_sql("select pgflow.mark_worker_stopped(%s)", worker)
        announce(live, register(live, "MyFlow"))
        assert live.value("select pgflow.recover_stalled_tasks()") == 1
        assert listener.received() == [WORK]

    def test_by_the_functions_of_one_task(self, live: Core, worker: UUID, listener: Listener) -> None:
        run = live.start_flow("MyFlow")
        live.poll("MyFlow")
        announce(live, worker)
        live.complete_task(run.run_id, "a", 0, 1)
        assert listener.received() == [WORK]

    def test_only_workers_of_that_flow(self, live: Core, worker: UUID, listener: Listener) -> None:
        announce(live, worker)
        live.start_flow("Other")
        assert listener.received() == []
        announce(live, register(live, "Other"))
        live.start_flow("Other")
        assert listener.received() == [("pgflow_work_other", "")]

    def test_nobody_waits(self, live: Core, listener: Listener) -> None:
        live.start_flow("MyFlow")
        assert listener.received() == []

    def test_an_announcement_that_was_withdrawn(self, live: Core, worker: UUID, listener: Listener) -> None:
        other = register(live, "MyFlow")
        announce(live, worker, other)
        live.run_sql("select pgflow.withdraw_idle(%s)", [worker])
        live.start_flow("MyFlow")
        assert listener.received() == [WORK]
        live.run_sql("select pgflow.withdraw_idle(%s)", [other, worker])
        live.start_flow("MyFlow")
        assert listener.received() == []

    def test_an_announcement_that_ran_out(self, live: Core, worker: UUID, listener: Listener) -> None:
        announce(live, worker, seconds=60)
        announce(live, worker, seconds=0)
        live.start_flow("MyFlow")
        assert listener.received() == []

    def test_an_announcement_is_prolonged(self, live: Core, worker: UUID, listener: Listener) -> None:
        announce(live, worker, seconds=0)
        announce(live, worker, seconds=60)
        live.start_flow("MyFlow")
        assert listener.received() == [WORK]

    def test_a_run_that_completes_at_once(self, live: Core, worker: UUID, listener: Listener) -> None:
        live.flow("Empty", "m:map")
        announce(live, worker, register(live, "Empty"))
        live.start_flow("Empty", [])
        assert listener.received() == []


def test_announcements_do_not_hold_the_seven_tables(live: Core, worker: UUID) -> None:
    """Outside tools empty them; announcements may be left behind."""
    announce(live, worker)
    live.start_flow("MyFlow")
    claim(live, (worker, "MyFlow"))
    for table in ("step_tasks", "step_states", "runs", "deps", "steps", "flows", "worker_functions"):
        live.run_sql(f"delete from pgflow.{table}")
