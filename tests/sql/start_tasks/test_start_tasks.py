"""Messages that were read become started tasks (specification/core.md, "Claiming")."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.support.core import SQL_NULL, Core


def test_starts_the_task(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f", {"x": 1})
    (msg_id,) = core.read("f")
    worker = core.worker("f")
    (record,) = core.start_tasks("f", [msg_id], worker)
    assert (record.flow_slug, record.run_id, record.step_slug) == ("f", run.run_id, "a")
    assert (record.msg_id, record.task_index) == (msg_id, 0)
    task = core.task(run.run_id, "a")
    assert (task.status, task.started_at, task.attempts_count) == ("started", core.now(), 1)
    assert task.last_worker_id == worker


@pytest.mark.parametrize("ids", [None, []])
def test_nothing_read(core: Core, ids: list[int] | None) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    assert core.start_tasks("f", ids) == []


def test_unknown_ids_and_flows(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    assert core.start_tasks("f", [999_999]) == []
    assert core.rows("select * from pgflow.start_tasks('nope', '{1}', %s)", core.worker("f")) == []


def test_a_repeated_id_starts_one_task(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    (msg_id,) = core.read("f")
    assert len(core.start_tasks("f", [msg_id, msg_id])) == 1
    assert core.task(run.run_id, "a").attempts_count == 1


def test_only_queued_tasks(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    (msg_id,) = core.read("f")
    core.start_tasks("f", [msg_id])
    assert core.start_tasks("f", [msg_id]) == []
    assert core.task(run.run_id, "a").attempts_count == 1
    core.complete_task(run.run_id, "a", 0, 1)
    assert core.start_tasks("f", [msg_id]) == []


def test_not_of_a_failed_run(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.run_sql("update pgflow.runs set status = 'failed', failed_at = now()")
    assert core.start_tasks("f", core.read("f")) == []
    assert core.task(run.run_id, "a").status == "queued"
    assert len(core.queue("f")) == 1


@pytest.mark.parametrize(
    "change",
    [
        "status = 'skipped', skip_reason = 'x', skipped_at = now(), remaining_tasks = null",
        "status = 'completed', completed_at = now(), remaining_tasks = 0",
        "status = 'created', started_at = null, remaining_tasks = null",
    ],
)
def test_only_of_started_steps(core: Core, change: str) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.run_sql(f"update pgflow.step_states set {change}")
    assert core.start_tasks("f", core.read("f")) == []
    assert core.task(run.run_id, "a").status == "queued"
    assert len(core.queue("f")) == 1


def test_a_later_worker_takes_over(core: Core) -> None:
    core.flow("f", "a", base_delay=0)
    run = core.start_flow("f")
    first, second = core.worker("f", uuid4()), core.worker("f", uuid4())
    core.poll("f", 1, first)
    core.fail_task(run.run_id, "a")
    core.run_sql("select pgmq.set_vt('f', %s::bigint, 0)", core.queue("f")[0].msg_id)
    core.poll("f", 1, second)
    task = core.task(run.run_id, "a")
    assert (task.last_worker_id, task.attempts_count) == (second, 2)


@pytest.mark.parametrize(
    ("flow_timeout", "step_timeout", "expected"),
    [(60, None, 62), (60, 5, 7), (1, 600, 602), (None, None, 62)],
)
def test_visibility_is_the_timeout_and_two_seconds(
    core: Core, flow_timeout: int | None, step_timeout: int | None, expected: int
) -> None:
    core.create_flow("f", timeout=flow_timeout)
    core.add_step("f", "a", [], timeout=step_timeout)
    core.add_step("f", "b", [], timeout=step_timeout)
    core.start_flow("f")
    (msg_id,) = core.read("f", visibility_timeout=1)
    before = core.clock()
    core.start_tasks("f", [msg_id])
    after = core.clock()
    message, other = core.queue("f")
    visible = message.vt.timestamp() - expected
    assert before.timestamp() - 0.001 <= visible <= after.timestamp() + 0.001
    assert other.vt <= before


def test_each_task_of_a_batch_has_its_own_timeout(core: Core) -> None:
    core.create_flow("f", timeout=30)
    core.add_step("f", "a", [], timeout=5)
    core.add_step("f", "b", [])
    core.add_step("f", "c", [], timeout=100)
    core.start_flow("f")
    ids = core.read("f", 3)
    before = core.clock().timestamp()
    core.start_tasks("f", ids)
    after = core.clock().timestamp()
    for message, seconds in zip(core.queue("f"), (7, 32, 102), strict=True):
        assert before - 0.001 <= message.vt.timestamp() - seconds <= after + 0.001


class TestInput:
    def test_root_single(self, core: Core) -> None:
        core.flow("f", "a")
        core.start_flow("f", [1, {"x": None}])
        (record,) = core.poll("f")
        assert (record.input, record.flow_input) == ({}, [1, {"x": None}])

    def test_root_single_of_a_null_input(self, core: Core) -> None:
        core.flow("f", "a")
        core.start_flow("f", None)
        core.read("f")
        worker = core.worker("f")
        found = core.row(
            "select input::text, flow_input::text from pgflow.start_tasks('f', %s, %s)",
            [core.queue("f")[0].msg_id],
            worker,
        )
        assert tuple(found) == ("{}", "null")

    def test_dependent_single(self, core: Core) -> None:
        core.flow("f", "a", "b", "c < a b")
        core.start_flow("f", {"secret": 1})
        core.work("f", {"y": 1})
        core.work("f", [2, 3])
        (record,) = core.poll("f")
        assert (record.input, record.flow_input) == ({"a": {"y": 1}, "b": [2, 3]}, None)

    def test_only_direct_dependencies(self, core: Core) -> None:
        core.flow("f", "a", "b < a", "c < b")
        core.start_flow("f")
        core.work("f", 1)
        core.work("f", 2)
        assert core.poll("f")[0].input == {"b": 2}

    @pytest.mark.parametrize("output", [None, SQL_NULL])
    def test_null_outputs_of_dependencies(self, core: Core, output: object) -> None:
        core.flow("f", "a", "b < a")
        core.start_flow("f")
        core.work("f", output)
        assert core.poll("f")[0].input == {"a": None}

    def test_skipped_dependencies_are_absent(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "s", [], required_input_pattern={"never": 1})
        core.add_step("f", "b", ["a", "s"])
        core.start_flow("f", {})
        core.work("f", 1)
        assert core.poll("f")[0].input == {"a": 1}

    def test_all_dependencies_skipped(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "s", [], required_input_pattern={"never": 1})
        core.add_step("f", "b", ["s"])
        core.start_flow("f", {})
        (record,) = core.poll("f")
        assert (record.input, record.flow_input) == ({}, None)

    @pytest.mark.parametrize("elements", [[1, "x", [2], {"y": 3}, True, False], [[[]]], [{}]])
    def test_root_map(self, core: Core, elements: list[Any]) -> None:
        core.flow("f", "m:map")
        core.start_flow("f", elements)
        records = core.poll("f", 10)
        assert [(record.task_index, record.input) for record in records] == list(enumerate(elements))
        assert {record.flow_input for record in records} == {None}

    def test_null_elements_are_json_null(self, core: Core) -> None:
        core.flow("f", "m:map")
        core.start_flow("f", [None])
        found = core.value(
            "select input::text from pgflow.start_tasks('f', %s, %s)", core.read("f"), core.worker("f")
        )
        assert found == "null"

    def test_map_after_single(self, core: Core) -> None:
        core.flow("f", "a", "m:map < a")
        core.start_flow("f", {})
        core.work("f", ["x", None, {"y": 1}])
        records = core.poll("f", 10)
        assert [(r.task_index, r.input, r.flow_input) for r in records] == [
            (0, "x", None), (1, None, None), (2, {"y": 1}, None),
        ]  # fmt: skip

    def test_map_after_map(self, core: Core) -> None:
        core.flow("f", "m:map", "n:map < m")
        run = core.start_flow("f", ["a", "b", "c"])
        for record in reversed(core.poll("f", 3)):
            core.complete_task(run.run_id, "m", record.task_index, record.input.upper())
        records = core.poll("f", 3)
        assert [(record.task_index, record.input) for record in records] == [(0, "A"), (1, "B"), (2, "C")]

    def test_single_after_map(self, core: Core) -> None:
        core.flow("f", "m:map", "s < m")
        run = core.start_flow("f", [1, 2])
        for record in core.poll("f", 2):
            core.complete_task(run.run_id, "m", record.task_index, {"n": record.input})
        assert core.poll("f")[0].input == {"m": [{"n": 1}, {"n": 2}]}

    def test_a_batch_over_steps_and_runs(self, core: Core) -> None:
        core.flow("f", "a", "m:map")
        runs = [core.start_flow("f", [n, n + 1]) for n in (10, 20)]
        records = core.poll("f", 10)
        expected: list[tuple[Any, ...]] = []
        for run, n in zip(runs, (10, 20), strict=True):
            expected.append((run.run_id, "a", 0, {}, [n, n + 1]))
            expected += [(run.run_id, "m", 0, n, None), (run.run_id, "m", 1, n + 1, None)]
        assert [(r.run_id, r.step_slug, r.task_index, r.input, r.flow_input) for r in records] == expected


def test_no_event(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    core.clear_events()
    core.poll("f")
    assert core.events() == []
