"""What is under way when a run ends, or a step of it, and succeeds after all: an undo hears of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.companions import Companions, UndoRule
from tests.support.batch import claim, complete, fail, register
from tests.support.control import cancel, retry
from tests.support.core import Core, Row
from tests.support.timers import fire, pass_time, timers
from tests.support.undo_flows import companions_of, define, options_of, work


def flow(core: Core, undone: str, steps: dict[str, dict[str, Any]], maps: tuple[str, ...] = ()) -> None:
    """The flow f of these steps (``deps`` and options of ``add_step``), one of which can be undone."""
    companions = Companions(undo="f__undo", undone={undone: UndoRule(f"undo_{undone}")})
    core.create_flow("f", options=Jsonb(options_of(companions)), max_attempts=1, base_delay=0)
    deps = {slug: options.pop("deps", ()) for slug, options in steps.items()}
    for slug, options in steps.items():
        core.add_step("f", slug, list(deps[slug]), **options)
    define(core, "f", companions, deps, maps)


def tasks_of(core: Core, slug: str = "f") -> list[Row]:
    found = claim(core, (register(core, slug), slug), max_tasks=10)
    return sorted(found, key=lambda task: (task.step_slug, task.task_index))


def told(core: Core, run: UUID, step: str) -> Any:
    """What the undo of a run is told of a step; None: there is no undo."""
    found = companions_of(core, run)
    return found[0].input["steps"][step] if found else None


def test_a_result_in_the_batch_that_fails_the_run_is_undone(core: Core) -> None:
    steps: dict[str, dict[str, Any]] = {
        "a": {},
        "m": {"deps": ["a"], "step_type": "map"},
        "pay": {},
    }
    flow(core, "pay", steps)
    run = core.start_flow("f").run_id
    a, pay = tasks_of(core)
    complete(core, [a, pay], ["no array", "paid"])
    fire(core)
    assert core.run(run).status == "failed"
    assert told(core, run, "pay") == {"done": True, "output": "paid", "tasks": [[0, 1]]}


def test_a_failure_that_would_have_been_a_value_is_no_result(core: Core) -> None:
    steps: dict[str, dict[str, Any]] = {
        "a": {"when_exhausted": "skip"},
        "b": {"deps": ["a"], "required_input_pattern": {"a": 1}, "when_unmet": "fail"},
        "pay": {"when_exhausted": "value"},
    }
    flow(core, "pay", steps)
    run = core.start_flow("f").run_id
    fail(core, tasks_of(core))  # a is skipped, so b fails the run, before the failure of pay is a value
    fire(core)
    assert core.run(run).status == "failed"
    assert told(core, run, "pay") is None
    assert timers(core) == []


class TestSkippedSteps:
    @pytest.fixture
    def run(self, core: Core) -> UUID:
        """Its map, which can be undone, is skipped by the failure of an element; one was under way."""
        steps: dict[str, dict[str, Any]] = {
            "a": {},
            "m": {"deps": ["a"], "step_type": "map", "when_exhausted": "skip"},
            "b": {"deps": ["m"]},
        }
        flow(core, "m", steps, ("m",))
        run: UUID = core.start_flow("f").run_id
        work(core, "f", [[0, 1, 2]])
        return run

    def test_an_element_that_succeeds_afterwards_is_undone(self, core: Core, run: UUID) -> None:
        tasks = tasks_of(core)
        complete(core, tasks[:1], ["zero"])
        fail(core, tasks[1:2])
        assert core.step(run, "m").status == "skipped"
        complete(core, tasks[2:], ["two"])
        fail(core, tasks_of(core))
        fire(core)
        assert told(core, run, "m") == {"done": True, "elements": ["zero", "two"], "tasks": [[0, 1], [2, 1]]}

    def test_one_that_fails_afterwards_is_not_waited_for(self, core: Core, run: UUID) -> None:
        tasks = tasks_of(core)
        complete(core, tasks[:1], ["zero"])
        fail(core, tasks[1:2])
        fail(core, tasks[2:])
        fail(core, tasks_of(core))
        fire(core)
        assert told(core, run, "m") == {"done": True, "elements": ["zero"], "tasks": [[0, 1]]}

    def test_those_that_fail_along_with_it_are_not_waited_for(self, core: Core, run: UUID) -> None:
        tasks = tasks_of(core)
        complete(core, tasks[:1], ["zero"])
        fail(core, tasks[1:])
        fail(core, tasks_of(core))
        fire(core)
        assert told(core, run, "m") == {"done": True, "elements": ["zero"], "tasks": [[0, 1]]}

    def test_one_that_is_still_at_work_at_the_end_is_waited_for(self, core: Core, run: UUID) -> None:
        tasks = tasks_of(core)
        fail(core, tasks[1:2])
        cancel(core, run)
        complete(core, tasks[:1], ["zero"])
        fire(core)
        assert told(core, run, "m") is None
        complete(core, tasks[2:], ["two"])
        fire(core)
        assert told(core, run, "m") == {"done": True, "elements": ["zero", "two"], "tasks": [[0, 1], [2, 1]]}


class TestSubflows:
    @pytest.fixture
    def run(self, core: Core) -> UUID:
        core.create_flow("child", max_attempts=1)
        core.add_step("child", "work")
        flow(core, "bill", {"bill": {"options": Jsonb({"subflow": "child", "kind": "subflow"})}, "other": {}})
        run: UUID = core.start_flow("f").run_id
        return run

    def test_a_child_that_completes_before_its_ended_parent_hears_of_it_is_undone(
        self, core: Core, run: UUID
    ) -> None:
        bill, other = tasks_of(core)
        complete(core, [bill], [{"n": 1}])
        complete(core, tasks_of(core, "child"), ["billed"])
        fail(core, [other])
        fire(core)
        assert told(core, run, "bill") == {"done": True, "output": {"work": "billed"}, "tasks": [[0, 1]]}

    def test_an_undo_waits_until_the_child_has_ended(self, core: Core, run: UUID) -> None:
        bill, _ = tasks_of(core)
        complete(core, [bill], [{"n": 1}])
        cancel(core, run)
        core.run_sql("delete from pgflow.timers where kind = 'cancel_children'")  # it is slow to come
        fire(core)
        assert told(core, run, "bill") is None
        complete(core, tasks_of(core, "child"), ["billed"])
        pass_time(core, 1)
        fire(core)
        assert told(core, run, "bill") == {"done": True, "output": {"work": "billed"}, "tasks": [[0, 1]]}
        assert timers(core) == []

    def test_one_that_was_cancelled_with_its_parent_is_not(self, core: Core, run: UUID) -> None:
        bill, _ = tasks_of(core)
        complete(core, [bill], [{"n": 1}])
        cancel(core, run)
        fire(core)
        assert told(core, run, "bill") is None
        assert timers(core) == []

    def test_what_a_handler_would_have_handed_over_is_no_result(self, core: Core, run: UUID) -> None:
        bill, _ = tasks_of(core)
        cancel(core, run)
        complete(core, [bill], [{"n": 1}])
        fire(core)
        assert told(core, run, "bill") is None

    def test_a_child_that_completes_as_its_failure_becomes_a_value_is_undone(self, core: Core) -> None:
        """The deadline is over, and the child did not hear of it in time."""
        step = {"subflow": "child", "kind": "subflow", "deadline": 50}
        flow(
            core,
            "pay",
            {"pay": {"options": Jsonb(step), "when_exhausted": "value"}, "after": {"deps": ["pay"]}},
        )
        core.create_flow("child", max_attempts=1)
        core.add_step("child", "work")
        run = core.start_flow("f").run_id
        complete(core, tasks_of(core), [{"n": 1}])
        (work_of_child,) = tasks_of(core, "child")
        pass_time(core, 50)
        core.run_sql("select pgflow._fire('deadline', array_agg(timer_id)) from pgflow.timers")
        complete(core, [work_of_child], ["paid"])
        fail(core, tasks_of(core))
        fire(core)
        assert told(core, run, "pay") == {"done": True, "output": {"work": "paid"}, "tasks": [[0, 1]]}


class TestDeadlines:
    """A loop is over, and the round at which somebody is succeeds all the same."""

    def begin(self, core: Core, **options: Any) -> tuple[UUID, list[Row]]:
        loop = {"kind": "loop", "max_rounds": 3, "deadline": 50}
        flow(core, "pay", {"pay": {"options": Jsonb(loop), **options}, "z": {"deps": ["pay"]}})
        run: UUID = core.start_flow("f").run_id
        tasks = tasks_of(core)
        pass_time(core, 50)
        fire(core)
        return run, tasks

    @pytest.mark.parametrize("when_exhausted", ["fail", "skip", "skip-cascade", "value"])
    def test_what_it_did_is_undone(self, core: Core, when_exhausted: str) -> None:
        run, tasks = self.begin(core, when_exhausted=when_exhausted)
        if when_exhausted in ("skip", "value"):
            fail(core, tasks_of(core))
        fire(core)
        assert told(core, run, "pay") is None
        complete(core, tasks, ["paid"])
        fire(core)
        wanted = {"done": True, "output": "paid", "tasks": [[0, 1]]}
        assert told(core, run, "pay") == (None if when_exhausted == "skip-cascade" else wanted)

    def test_a_round_that_fails_did_nothing(self, core: Core) -> None:
        run, tasks = self.begin(core)
        fail(core, tasks)
        fire(core)
        assert told(core, run, "pay") is None
        assert timers(core) == []


def test_the_elements_of_a_map_whose_output_is_too_large_are_undone(core: Core) -> None:
    flow(core, "m", {"a": {}, "m": {"deps": ["a"], "step_type": "map"}}, ("m",))
    run = core.start_flow("f").run_id
    work(core, "f", [[0, 1, 2]])
    tasks = tasks_of(core)
    complete(core, tasks[:2], ["zero", "one"])
    core.run_sql("select pgflow._fail_outgrown(array[%s]::uuid[], array['m'], array[1e9]::bigint[])", run)
    complete(core, tasks[2:], ["two"])
    fire(core)
    wanted = {"done": True, "elements": ["zero", "one", "two"], "tasks": [[0, 1], [1, 1], [2, 1]]}
    assert told(core, run, "m") == wanted


class TestRetries:
    """A run goes on although its undo failed: what was done before is the next undo's."""

    EVEN_IF_UNDONE = Jsonb({"even_if_undone": True})

    def fail_undo(self, core: Core) -> None:
        fire(core)
        fail(core, tasks_of(core, "f__undo"), retryable=[False])
        fire(core)

    def test_what_succeeded_late_is_left_to_the_next_undo(self, core: Core) -> None:
        flow(core, "pay", {"pay": {}})
        run = core.start_flow("f").run_id
        tasks = tasks_of(core)
        cancel(core, run)
        complete(core, tasks, ["paid"])
        self.fail_undo(core)
        assert retry(core, run, options=self.EVEN_IF_UNDONE) == ["retried"]
        fail(core, tasks_of(core))
        fire(core)
        undo = companions_of(core, run)[-1]
        assert (undo.end_number, undo.input["steps"]["pay"]) == (
            2,
            {"done": True, "output": "paid", "tasks": [[0, 1]]},
        )

    def test_elements_of_a_skipped_step_are_not_forgotten(self, core: Core) -> None:
        steps: dict[str, dict[str, Any]] = {
            "a": {},
            "m": {"deps": ["a"], "step_type": "map", "when_exhausted": "skip"},
            "b": {"deps": ["m"]},
        }
        flow(core, "m", steps, ("m",))
        run = core.start_flow("f").run_id
        work(core, "f", [[0, 1]])
        tasks = tasks_of(core)
        fail(core, tasks[:1])
        complete(core, tasks[1:], ["one"])
        fail(core, tasks_of(core))
        self.fail_undo(core)
        assert retry(core, run, options=self.EVEN_IF_UNDONE) == ["retried"]
        fail(core, tasks_of(core))
        fire(core)
        undo = companions_of(core, run)[-1]
        assert undo.input["steps"]["m"] == {"done": True, "elements": ["one"], "tasks": [[1, 1]]}

    def test_both_attempts_at_an_element_are_undone(self, core: Core) -> None:
        flow(core, "m", {"a": {}, "m": {"deps": ["a"], "step_type": "map"}}, ("m",))
        run = core.start_flow("f").run_id
        work(core, "f", [[0]])
        tasks = tasks_of(core)
        cancel(core, run)
        complete(core, tasks, ["first"])
        self.fail_undo(core)
        retry(core, run, options=self.EVEN_IF_UNDONE)
        tasks = tasks_of(core)
        cancel(core, run)
        complete(core, tasks, ["second"])
        fire(core)
        undo = companions_of(core, run)[-1]
        wanted = {"done": True, "elements": ["first", "second"], "tasks": [[0, 1], [0, 2]]}
        assert undo.input["steps"]["m"] == wanted
