"""Where map tasks come from, empty arrays, type violations, failures (specification/core.md, "Maps")."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.support.core import SQL_NULL, Core


class TestInitialTasks:
    def test_root_map(self, core: Core) -> None:
        core.flow("f", "m:map")
        run = core.start_flow("f", [1, 2, 3])
        assert core.step(run.run_id, "m").initial_tasks == 3

    def test_single_steps_have_one(self, core: Core) -> None:
        core.flow("f", "a", "b < a")
        run = core.start_flow("f", [1, 2, 3])
        assert [core.step(run.run_id, slug).initial_tasks for slug in "ab"] == [1, 1]

    def test_map_after_single(self, core: Core) -> None:
        core.flow("f", "a", "m:map < a")
        run = core.start_flow("f")
        assert core.step(run.run_id, "m").initial_tasks is None
        core.work("f", [[], {}, None])
        step = core.step(run.run_id, "m")
        assert (step.initial_tasks, step.remaining_tasks, step.status) == (3, 3, "started")

    def test_map_after_map_waits_for_the_last_task(self, core: Core) -> None:
        core.flow("f", "m:map", "n:map < m")
        run = core.start_flow("f", [1, 2])
        core.work("f", [1, 2, 3, 4])
        assert core.step(run.run_id, "n").initial_tasks is None
        core.work("f", "not an array")
        assert core.step(run.run_id, "n").initial_tasks == 2

    def test_several_maps_behind_one_step(self, core: Core) -> None:
        core.flow("f", "a", "m:map < a", "n:map < a")
        run = core.start_flow("f")
        core.work("f", [1, 2])
        assert [core.step(run.run_id, slug).initial_tasks for slug in "mn"] == [2, 2]
        assert len(core.poll("f", 10)) == 4


def test_a_run_of_empty_maps_completes_at_once(core: Core) -> None:
    core.flow("f", "m:map", "n:map < m", "o:map")
    run = core.start_flow("f", [])
    assert (run.status, run.output) == ("completed", {"n": [], "o": []})
    assert core.queue("f") == []


def test_one_element_still_gives_an_array(core: Core) -> None:
    core.flow("f", "m:map", "s < m")
    core.start_flow("f", ["x"])
    core.work("f", {"y": 1})
    assert core.poll("f")[0].input == {"m": [{"y": 1}]}


def test_null_outputs_become_null_elements(core: Core) -> None:
    core.flow("f", "m:map", "s < m")
    run = core.start_flow("f", [1, 2, 3])
    core.poll("f", 3)
    core.complete_task(run.run_id, "m", 0, None)
    core.complete_task(run.run_id, "m", 1, SQL_NULL)
    core.complete_task(run.run_id, "m", 2, 3)
    assert core.step(run.run_id, "m").output == [None, None, 3]
    assert core.poll("f")[0].input == {"m": [None, None, 3]}


class TestTypeViolation:
    @pytest.fixture
    def run_id(self, core: Core) -> UUID:
        """`a` feeds map `m`; `side` is started and `q` queued as the violation happens."""
        core.flow("f", "a", "m:map < a", "q", "side", "late < m")
        run = core.start_flow("f")
        core.start_tasks("f", [core.task(run.run_id, slug).message_id for slug in ("a", "side")])
        core.clear_events()
        result: UUID = run.run_id
        return result

    @pytest.mark.parametrize(
        ("output", "kind"),
        [
            ({"x": 1}, "object"),
            ("x", "string"),
            (5, "number"),
            (True, "boolean"),
            (None, "null"),
            (SQL_NULL, "null"),
        ],
    )
    def test_everything_fails(self, core: Core, run_id: UUID, output: Any, kind: str) -> None:
        (row,) = core.complete_task(run_id, "a", 0, output)
        assert row == core.task(run_id, "a")
        assert (row.status, row.failed_at, row.completed_at) == ("failed", core.now(), None)
        assert row.error_message == f"[TYPE_VIOLATION] Produced {kind} instead of array"
        assert row.output == (None if output is SQL_NULL else output)
        step = core.step(run_id, "a")
        assert (step.status, step.failed_at, step.output) == ("failed", core.now(), None)
        expected = f"[TYPE_VIOLATION] Map step m expects array input but dependency a produced {kind}"
        assert step.error_message == expected
        run = core.run(run_id)
        assert (run.status, run.failed_at, run.output) == ("failed", core.now(), None)
        assert run.remaining_steps == 5

    def test_the_queue_is_empty_afterwards(self, core: Core, run_id: UUID) -> None:
        core.complete_task(run_id, "a", 0, {})
        assert core.queue("f") == []
        assert len(core.archive("f")) == 3

    def test_nobody_else_is_touched(self, core: Core, run_id: UUID) -> None:
        core.complete_task(run_id, "a", 0, {})
        assert core.statuses(run_id) == {
            "a": "failed", "m": "created", "q": "started", "side": "started", "late": "created",
        }  # fmt: skip
        step = core.step(run_id, "m")
        assert (step.initial_tasks, step.remaining_deps) == (None, 1)
        assert (core.task(run_id, "q").status, core.task(run_id, "side").status) == ("queued", "started")

    def test_events(self, core: Core, run_id: UUID) -> None:
        core.complete_task(run_id, "a", 0, {})
        assert sorted(core.event_names()) == ["run:failed", "step:a:failed"]
        (event,) = core.events(event_type="step:failed")
        assert event.payload["error_message"] == core.step(run_id, "a").error_message

    def test_the_run_keeps_a_message(self, core: Core, run_id: UUID) -> None:
        core.complete_task(run_id, "a", 0, {})
        assert "TYPE_VIOLATION" in core.run(run_id).error_message

    def test_it_is_not_retried_and_cannot_be_skipped(self, core: Core) -> None:
        core.create_flow("f", max_attempts=9)
        core.add_step("f", "a", [], when_exhausted="skip")
        core.add_step("f", "m", ["a"], step_type="map")
        run = core.start_flow("f")
        core.work("f", 1)
        assert core.run(run.run_id).status == "failed"

    def test_arrays_are_fine(self, core: Core, run_id: UUID) -> None:
        core.complete_task(run_id, "a", 0, [])
        assert core.statuses(run_id)["m"] == "completed"

    def test_a_second_call_changes_nothing(self, core: Core, run_id: UUID) -> None:
        core.complete_task(run_id, "a", 0, {"first": 1})
        events = len(core.events())
        (row,) = core.complete_task(run_id, "a", 0, [])
        assert (row.status, row.output) == ("failed", {"first": 1})
        assert len(core.events()) == events

    def test_map_tasks_cannot_violate(self, core: Core) -> None:
        core.flow("g", "m:map", "n:map < m")
        run = core.start_flow("g", [1])
        core.work("g", {"any": "thing"})
        assert core.step(run.run_id, "n").initial_tasks == 1

    def test_a_single_step_feeding_singles_cannot_violate(self, core: Core) -> None:
        core.flow("g", "a", "b < a")
        run = core.start_flow("g")
        core.work("g", {})
        assert core.run(run.run_id).status == "started"


class TestFailureOfOneTask:
    def test_run_and_step_fail(self, core: Core) -> None:
        core.flow("f", "m:map", "s < m", max_attempts=1)
        run = core.start_flow("f", [1, 2, 3])
        core.poll("f", 2)
        core.complete_task(run.run_id, "m", 0, "done")
        core.fail_task(run.run_id, "m", 1, "boom")
        assert core.statuses(run.run_id) == {"m": "failed", "s": "created"}
        step = core.step(run.run_id, "m")
        assert (step.error_message, step.output) == ("boom", None)
        assert core.run(run.run_id).status == "failed"
        assert [task.status for task in core.tasks(run.run_id)] == ["completed", "failed", "queued"]
        assert core.queue("f") == []

    def test_a_failing_task_is_retried_on_its_own(self, core: Core) -> None:
        core.flow("f", "m:map", max_attempts=2, base_delay=0)
        run = core.start_flow("f", [1, 2])
        core.poll("f", 2)
        core.fail_task(run.run_id, "m", 0)
        core.complete_task(run.run_id, "m", 1, "b")
        assert core.step(run.run_id, "m").remaining_tasks == 1
        core.poll("f")
        core.complete_task(run.run_id, "m", 0, "a")
        assert core.run(run.run_id).output == {"m": ["a", "b"]}
