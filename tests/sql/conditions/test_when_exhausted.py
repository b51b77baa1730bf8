"""A step that may be skipped when its handler keeps failing; late callbacks
(specification/core.md, "Conditions").
"""

from __future__ import annotations

import pytest

from tests.support.core import Core, Row


def failing(core: Core, mode: str, *, step_type: str = "single") -> None:
    """Flow `f` with a first step `a` that has one attempt."""
    core.create_flow("f", base_delay=0)
    core.add_step("f", "a", [], max_attempts=1, when_exhausted=mode, step_type=step_type)


def start_and_fail(core: Core, message: str = "boom") -> Row:
    run = core.start_flow("f", [1])
    task = next(task for task in core.poll("f", 9) if task.step_slug == "a")
    core.fail_task(run.run_id, "a", task.task_index, message)
    return run


@pytest.mark.parametrize("mode", ["skip", "skip-cascade"])
class TestBothModes:
    def test_task_and_step(self, core: Core, mode: str) -> None:
        failing(core, mode)
        core.add_step("f", "open")
        run = start_and_fail(core)
        task, step = core.task(run.run_id, "a"), core.step(run.run_id, "a")
        assert (task.status, task.failed_at, task.error_message) == ("failed", core.now(), "boom")
        assert (step.status, step.skip_reason, step.skipped_at) == ("skipped", "handler_failed", core.now())
        assert (step.error_message, step.remaining_tasks, step.failed_at) == ("boom", None, None)
        found = core.run(run.run_id)
        assert (found.status, found.remaining_steps, found.error_message) == ("started", 1, None)

    def test_returns_the_failed_task(self, core: Core, mode: str) -> None:
        failing(core, mode)
        run = core.start_flow("f", [1])
        core.poll("f")
        (row,) = core.fail_task(run.run_id, "a", 0, "boom")
        assert row == core.task(run.run_id, "a")
        assert row.status == "failed"

    def test_event(self, core: Core, mode: str) -> None:
        failing(core, mode)
        core.add_step("f", "open")
        start_and_fail(core)
        (event,) = core.events(event_type="step:skipped")
        payload = event.payload
        assert (event.event, payload["status"]) == ("step:a:skipped", "skipped")
        assert (payload["skip_reason"], payload["error_message"]) == ("handler_failed", "boom")
        assert (payload["step_slug"], payload["flow_slug"]) == ("a", "f")
        assert core.value("select %s::timestamptz", payload["skipped_at"]) == core.now()
        assert core.events(event_type="step:failed") == []

    def test_messages_of_the_step_only(self, core: Core, mode: str) -> None:
        failing(core, mode, step_type="map")
        core.add_step("f", "open")
        run = core.start_flow("f", [1, 2, 3])
        core.poll("f", 2)
        core.fail_task(run.run_id, "a", 1)
        assert [row.message["step_slug"] for row in core.queue("f")] == ["open"]
        assert len(core.archive("f")) == 3
        assert [task.status for task in core.tasks(run.run_id, "a")] == ["started", "failed", "queued"]

    def test_several_failing_tasks_count_once(self, core: Core, mode: str) -> None:
        failing(core, mode, step_type="map")
        core.add_step("f", "open")
        run = core.start_flow("f", [1, 2, 3])
        core.poll("f", 3)
        for index in range(3):
            core.fail_task(run.run_id, "a", index)
        assert core.run(run.run_id).remaining_steps == 1
        assert len(core.events(event_type="step:skipped")) == 1

    def test_the_last_step_completes_the_run(self, core: Core, mode: str) -> None:
        failing(core, mode)
        run = start_and_fail(core)
        found = core.run(run.run_id)
        assert (found.status, found.output, found.remaining_steps) == ("completed", None, 0)
        assert core.event_names()[-2:] == ["step:a:skipped", "run:completed"]

    def test_attempts_are_used_up_first(self, core: Core, mode: str) -> None:
        core.create_flow("f", base_delay=0, max_attempts=2)
        core.add_step("f", "a", [], when_exhausted=mode)
        run = core.start_flow("f", [1])
        core.poll("f")
        core.fail_task(run.run_id, "a")
        assert core.statuses(run.run_id) == {"a": "started"}
        core.poll("f")
        core.fail_task(run.run_id, "a")
        assert core.statuses(run.run_id) == {"a": "skipped"}

    def test_late_callbacks(self, core: Core, mode: str) -> None:
        failing(core, mode, step_type="map")
        core.add_step("f", "open")
        run = core.start_flow("f", [1, 2, 3])
        records = core.poll("f", 2)
        core.fail_task(run.run_id, "a", 0)
        before = (core.run(run.run_id), core.step(run.run_id, "a"), len(core.events()))
        (completed,) = core.complete_task(run.run_id, "a", 1, "late")
        assert (completed.status, completed.output) == ("started", None)
        (failed,) = core.fail_task(run.run_id, "a", 1, "late")
        assert failed.status == "started"
        ids = [record.msg_id for record in records] + [core.task(run.run_id, "a", 2).message_id]
        assert core.start_tasks("f", ids) == []
        assert (core.run(run.run_id), core.step(run.run_id, "a"), len(core.events())) == before


class TestSkip:
    def test_dependents_go_on_without_it(self, core: Core) -> None:
        failing(core, "skip")
        core.add_step("f", "b", ["a"])
        core.add_step("f", "open")
        core.add_step("f", "c", ["a", "open"])
        run = start_and_fail(core)
        assert core.statuses(run.run_id) == {
            "a": "skipped",
            "b": "started",
            "open": "started",
            "c": "created",
        }
        assert core.step(run.run_id, "c").remaining_deps == 1
        assert core.poll("f")[0].input == {}

    def test_a_dependent_map_is_empty(self, core: Core) -> None:
        failing(core, "skip")
        core.add_step("f", "m", ["a"], step_type="map")
        core.add_step("f", "end", ["m"])
        run = start_and_fail(core)
        assert core.statuses(run.run_id) == {"a": "skipped", "m": "completed", "end": "started"}
        assert core.poll("f")[0].input == {"m": []}

    def test_conditions_of_dependents_are_resolved(self, core: Core) -> None:
        failing(core, "skip")
        core.add_step("f", "needs_it", ["a"], required_input_pattern={"a": {}})
        core.add_step("f", "fallback", ["a"], forbidden_input_pattern={"a": {}})
        run = start_and_fail(core)
        assert core.statuses(run.run_id) == {"a": "skipped", "needs_it": "skipped", "fallback": "started"}

    def test_a_condition_that_fails_the_run(self, core: Core) -> None:
        failing(core, "skip")
        core.add_step("f", "strict", ["a"], required_input_pattern={"a": {}}, when_unmet="fail")
        core.add_step("f", "open")
        run = core.start_flow("f", [1])
        core.poll("f", 2)
        (row,) = core.fail_task(run.run_id, "a", 0, "boom")
        assert (row.status, row.error_message) == ("failed", "boom")
        found = core.run(run.run_id)
        assert (found.status, found.error_message) == ("failed", "Condition not met")
        assert core.statuses(run.run_id) == {"a": "skipped", "strict": "failed", "open": "started"}
        assert core.queue("f") == []
        assert core.event_names()[-3:] == ["step:a:skipped", "step:strict:failed", "run:failed"]


class TestSkipCascade:
    def test_dependents_are_skipped(self, core: Core) -> None:
        failing(core, "skip-cascade")
        core.add_step("f", "b", ["a"])
        core.add_step("f", "open")
        core.add_step("f", "c", ["b", "open"])
        run = start_and_fail(core)
        assert core.statuses(run.run_id) == {
            "a": "skipped",
            "b": "skipped",
            "open": "started",
            "c": "skipped",
        }
        reasons = {slug: core.step(run.run_id, slug).skip_reason for slug in "abc"}
        assert reasons == {"a": "handler_failed", "b": "dependency_skipped", "c": "dependency_skipped"}
        assert core.run(run.run_id).remaining_steps == 1
        assert core.event_names()[-3:] == ["step:a:skipped", "step:b:skipped", "step:c:skipped"]

    def test_the_rest_completes_the_run(self, core: Core) -> None:
        failing(core, "skip-cascade")
        core.add_step("f", "b", ["a"])
        core.add_step("f", "open")
        run = start_and_fail(core)
        core.complete_task(run.run_id, "open", 0, 1)
        found = core.run(run.run_id)
        assert (found.status, found.output) == ("completed", {"open": 1})


def test_fail_is_the_default(core: Core) -> None:
    failing(core, "fail")
    assert core.run(start_and_fail(core).run_id).status == "failed"
