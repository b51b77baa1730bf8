"""A paused flow starts runs and stores results, and nobody begins a task of it until it is resumed."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.support.batch import claim, claim_one, complete, fail, register
from tests.support.core import Core
from tests.support.notifications import Listener, listening
from tests.support.timers import fire, pass_time


def pause(core: Core, flow: str = "f") -> bool:
    return bool(core.value("select pgflow.pause_flow(%s)", flow))


def resume(core: Core, flow: str = "f") -> bool:
    return bool(core.value("select pgflow.resume_flow(%s)", flow))


@pytest.fixture
def worker(core: Core) -> UUID:
    core.flow("f", "a", "b < a", base_delay=0)
    core.flow("g", "a")
    return register(core, "f")


def test_says_whether_it_changed_anything(core: Core, worker: UUID) -> None:
    assert [resume(core), pause(core), pause(core), resume(core), resume(core)] == [
        False, True, False, True, False,
    ]  # fmt: skip


def test_unknown_flow(core: Core) -> None:
    for function in (pause, resume):
        with core.refused("Unknown flow", sqlstate="PF001"):
            function(core, "nope")


def test_lists_say_so(core: Core, worker: UUID) -> None:
    pause(core)
    found = {row.flow_slug: row.is_paused for row in core.rows("select * from pgflow.list_flows()")}
    assert found == {"f": True, "g": False}


def test_it_is_on_the_trail(core: Core, worker: UUID) -> None:
    core.value("select pgflow.pause_flow('f', 'ann')")
    resume(core)
    found = core.rows("select action, actor, flow_slug, arguments from pgflow.actions order by action_id")
    assert found == [("pause", "ann", "f", {"changed": True}), ("resume", None, "f", {"changed": True})]


def test_its_options_may_change_meanwhile(core: Core, worker: UUID) -> None:
    pause(core)
    core.call("alter_flow", flow_slug="f", timeout=9)
    core.add_step("f", "c")
    assert not pause(core)


def test_nothing_is_claimed_but_of_others(core: Core, worker: UUID) -> None:
    pause(core)
    core.start_flow("f")
    core.start_flow("g")
    found = claim(core, (worker, "f"), (register(core, "g"), "g"))
    assert [task.flow_slug for task in found] == ["g"]
    (message,) = core.queue("f")
    assert message.read_ct == 0
    resume(core)
    assert len(claim(core, (worker, "f"))) == 1


def test_nor_started_by_the_functions_of_one_task(core: Core, worker: UUID) -> None:
    pause(core)
    run = core.start_flow("f")
    assert core.start_tasks("f", core.read("f", 3), worker) == []
    assert core.task(run.run_id, "a").status == "queued"


def test_what_is_under_way_counts_and_hands_nothing_over(core: Core, worker: UUID) -> None:
    run = core.start_flow("f")
    task = claim_one(core, worker, "f")
    pause(core)
    assert complete(core, [task], hand_over=10) == []
    assert core.statuses(run.run_id) == {"a": "completed", "b": "started"}
    resume(core)
    assert claim_one(core, worker, "f").step_slug == "b"


def test_other_flows_hand_over(core: Core, worker: UUID) -> None:
    core.flow("h", "a", "b < a")
    pause(core)
    for flow in ("f", "h"):
        core.start_flow(flow)
    (task,) = claim(core, (register(core, "h"), "h"))
    assert [row.step_slug for row in complete(core, [task], hand_over=10)] == ["b"]


def test_time_goes_on(core: Core, worker: UUID) -> None:
    run = core.start_flow("f")
    fail(core, [claim_one(core, worker, "f")], retry_after=[60])
    pause(core)
    pass_time(core)
    fire(core)
    assert core.task(run.run_id, "a").waits_for is None
    assert claim(core, (worker, "f")) == []
    resume(core)
    assert claim_one(core, worker, "f").attempt == 2


def test_idle_workers_do_not_wait_for_its_messages(core: Core, worker: UUID) -> None:
    core.start_flow("f")
    pause(core)
    assert core.value("select pgflow.announce_idle(%s, 5)", [worker]) is None
    resume(core)
    assert core.value("select pgflow.announce_idle(%s, 5)", [worker]) == 0


class TestTelling:
    @pytest.fixture
    def listener(self, live_dsn: str) -> Iterator[Listener]:
        with listening(live_dsn, "pgflow_work_f") as found:
            yield found

    def test_resuming_wakes_idle_workers(self, live: Core, listener: Listener) -> None:
        live.flow("f", "a")
        worker = register(live, "f")
        pause(live)
        live.value("select pgflow.announce_idle(%s, 60)", [worker])
        resume(live)
        assert listener.received() == [("pgflow_work_f", "")]


def test_a_worker_that_is_due_for_a_sign_of_life_gives_it(core: Core, worker: UUID) -> None:
    """Claims are signs of life, also where there is nothing to be had."""
    pause(core)
    core.run_sql("update pgflow.workers set last_heartbeat_at = now() - interval '10 seconds'")
    claim(core, (worker, "f"))
    assert core.value("select last_heartbeat_at > now() - interval '5 seconds' from pgflow.workers")
