"""`claim_tasks` reads and starts in one call, over several flows."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, claim_one, register
from tests.support.core import Core


def test_everything_a_worker_needs(core: Core) -> None:
    core.create_flow("f", timeout=50, max_attempts=4)
    core.add_step("f", "a")
    run = core.start_flow("f", {"x": 1})
    worker = register(core, "f")
    (task,) = claim(core, (worker, "f"))
    assert task._fields == (
        "outcome", "flow_slug", "run_id", "step_slug", "task_index", "attempt", "worker_id", "msg_id",
        "input", "flow_input", "timeout", "started_at", "trace_context", "delay", "max_attempts",
        "state", "round",
    )  # fmt: skip
    assert (task.outcome, task.flow_slug, task.run_id, task.step_slug) == ("claimed", "f", run.run_id, "a")
    assert (task.task_index, task.attempt, task.worker_id) == (0, 1, worker)
    assert (task.input, task.flow_input) == ({}, {"x": 1})
    assert (task.timeout, task.max_attempts, task.delay) == (50, 4, None)
    assert (task.started_at, task.trace_context) == (core.now(), None)
    stored = core.task(run.run_id, "a")
    assert (stored.status, stored.attempts_count, stored.last_worker_id) == ("started", 1, worker)
    assert (stored.started_at, stored.message_id) == (core.now(), task.msg_id)


def test_limits_of_the_step_come_first(core: Core) -> None:
    core.create_flow("f", timeout=50, max_attempts=4)
    core.add_step("f", "a", [], timeout=7, max_attempts=2)
    core.start_flow("f")
    (task,) = claim(core, (register(core, "f"), "f"))
    assert (task.timeout, task.max_attempts) == (7, 2)


def test_visibility_is_the_timeout_and_two_seconds(core: Core) -> None:
    core.create_flow("f", timeout=50)
    core.add_step("f", "a", [], timeout=7)
    core.add_step("f", "b")
    core.start_flow("f")
    before = core.clock().timestamp()
    claim(core, (register(core, "f"), "f"))
    after = core.clock().timestamp()
    for message, seconds in zip(core.queue("f"), (9, 52), strict=True):
        assert before - 0.001 <= message.vt.timestamp() - seconds <= after + 0.001


def test_inputs_are_those_of_start_tasks(core: Core) -> None:
    core.flow("f", "a", "b", "c < a b", "m:map < a", "n:map")
    core.start_flow("f", [None, "y"])
    worker = register(core, "f")
    first = {(task.step_slug, task.task_index): task for task in claim(core, (worker, "f"))}
    assert {key: task.input for key, task in first.items()} == {
        ("a", 0): {}, ("b", 0): {}, ("n", 0): None, ("n", 1): "y",
    }  # fmt: skip
    assert {key: task.flow_input for key, task in first.items()} == {
        ("a", 0): [None, "y"], ("b", 0): [None, "y"], ("n", 0): None, ("n", 1): None,
    }  # fmt: skip
    run_id = first["a", 0].run_id
    core.complete_task(run_id, "a", 0, [5, {"k": None}])
    core.complete_task(run_id, "b", 0, None)
    second = {(task.step_slug, task.task_index): task for task in claim(core, (worker, "f"))}
    assert {key: (task.input, task.flow_input) for key, task in second.items()} == {
        ("c", 0): ({"a": [5, {"k": None}], "b": None}, None),
        ("m", 0): (5, None),
        ("m", 1): ({"k": None}, None),
    }


def test_null_elements_are_json_null(core: Core) -> None:
    core.flow("f", "n:map")
    core.start_flow("f", [None])
    worker = register(core, "f")
    found = core.value("select input::text from pgflow.claim_tasks(%s, array['f'], 5)", [worker])
    assert found == "null"


def test_the_input_of_the_run_for_steps_that_ask_for_it(core: Core) -> None:
    core.flow("f", "a", "b < a", "c < a", "m:map < a", "r:map")
    core.start_flow("f", ["in"])
    worker = register(core, "f")
    wanted = ["f.b", "f.m", "f.r", "g.c"]
    first = {task.step_slug: task for task in claim(core, (worker, "f"), flow_input_steps=wanted)}
    assert (first["r"].input, first["r"].flow_input) == ("in", ["in"])
    assert first["a"].flow_input == ["in"]
    core.complete_task(first["a"].run_id, "a", 0, [1])
    second = {task.step_slug: task for task in claim(core, (worker, "f"), flow_input_steps=wanted)}
    assert {slug: task.flow_input for slug, task in second.items()} == {"b": ["in"], "c": None, "m": ["in"]}


def test_trace_context(core: Core) -> None:
    core.flow("f", "a", "b < a")
    context = {"traceparent": "00-1-2-01"}
    core.rows("select * from pgflow.start_flows('f', %s, null, %s)", [Jsonb({})], [Jsonb(context)])
    worker = register(core, "f")
    for slug in "ab":
        (task,) = claim(core, (worker, "f"))
        assert (task.step_slug, task.trace_context) == (slug, context)
        core.complete_task(task.run_id, slug, 0, 1)


class TestManyFlows:
    @pytest.mark.parametrize("limit", [1, 3, 6, 50])
    def test_at_most_max_tasks_in_all(self, core: Core, limit: int) -> None:
        for flow in ("f", "g"):
            core.flow(flow, "m:map")
            core.start_flow(flow, [1, 2, 3])
        pairs = [(register(core, flow), flow) for flow in ("f", "g")]
        assert len(claim(core, *pairs, max_tasks=limit)) == min(limit, 6)

    def test_each_flow_has_its_worker(self, core: Core) -> None:
        pairs = []
        for flow in ("f", "g", "h"):
            core.flow(flow, "a")
            core.start_flow(flow)
            pairs.append((register(core, flow), flow))
        assert {(task.worker_id, task.flow_slug) for task in claim(core, *pairs)} == set(pairs)

    def test_a_backlog_does_not_starve_the_others(self, core: Core) -> None:
        for flow, size in (("f", 40), ("g", 1), ("h", 40)):
            core.flow(flow, "m:map")
            core.start_flow(flow, list(range(size)))
        pairs = [(register(core, flow), flow) for flow in ("f", "g", "h")]
        counts = Counter(task.flow_slug for task in claim(core, *pairs, max_tasks=9))
        assert counts["g"] == 1
        assert min(counts["f"], counts["h"]) >= 3
        assert sum(counts.values()) == 9

    def test_turns_even_out_over_calls_of_one_task(self, core: Core) -> None:
        for flow in ("f", "g"):
            core.flow(flow, "m:map")
            core.start_flow(flow, list(range(60)))
        pairs = [(register(core, flow), flow) for flow in ("f", "g")]
        counts = Counter(claim(core, *pairs, max_tasks=1)[0].flow_slug for _ in range(60))
        assert min(counts["f"], counts["g"]) >= 5

    def test_unread_messages_stay_visible(self, core: Core) -> None:
        core.flow("f", "m:map")
        core.start_flow("f", list(range(10)))
        claim(core, (register(core, "f"), "f"), max_tasks=4)
        assert len(core.read("f", 100)) == 6


class TestWhatIsNotStarted:
    @pytest.mark.parametrize("limit", [0, 5])
    def test_nothing_there(self, core: Core, limit: int) -> None:
        core.flow("f", "a")
        assert claim(core, (register(core, "f"), "f"), max_tasks=limit) == []

    def test_no_flows(self, core: Core) -> None:
        assert claim(core) == []

    def test_nothing_wanted(self, core: Core) -> None:
        core.flow("f", "a")
        run = core.start_flow("f")
        assert claim(core, (register(core, "f"), "f"), max_tasks=0) == []
        assert core.task(run.run_id, "a").status == "queued"

    def test_delayed_messages(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], start_delay=60)
        core.start_flow("f")
        assert claim(core, (register(core, "f"), "f")) == []

    def test_messages_of_a_failed_run_are_left(self, core: Core) -> None:
        core.flow("f", "a")
        run = core.start_flow("f")
        core.run_sql("update pgflow.runs set status = 'failed', failed_at = now()")
        assert claim(core, (register(core, "f"), "f")) == []
        assert core.task(run.run_id, "a").status == "queued"

    def test_messages_of_a_started_task_move_to_its_stall_deadline(self, core: Core) -> None:
        """pgmq reads the oldest id first: a dead worker's messages would be read again and again."""
        core.flow("f", "a", timeout=100)
        core.start_flow("f")
        task = claim_one(core, register(core, "f"), "f")
        core.run_sql("select pgmq.set_vt('f', %s::bigint, 0)", task.msg_id)
        assert claim(core, (register(core, "f"), "f")) == []
        wait = core.queue("f")[0].vt.timestamp() - task.started_at.timestamp()
        assert 130 <= wait <= 135


def test_a_claim_of_a_map_task_costs_no_event(core: Core) -> None:
    core.flow("f", "m:map")
    core.start_flow("f", [1, 2])
    core.clear_events()
    claim(core, (register(core, "f"), "f"))
    assert core.events() == []


def test_arrays_of_different_length(core: Core) -> None:
    core.flow("f", "a")
    worker = register(core, "f")
    for workers, flows in (([worker], ["f", "f"]), ([], ["f"])):
        with core.refused(sqlstate="PF005"):
            core.rows("select * from pgflow.claim_tasks(%s::uuid[], %s::text[], 1)", workers, flows)


def test_an_unregistered_worker(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    with core.refused(sqlstate="PF009"):
        claim(core, (uuid4(), "f"))
