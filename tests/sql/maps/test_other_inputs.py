"""Maps that depend on other steps beside the one they go over, and picks, which they may go over."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core, Json, Row


def add_map(core: Core, slug: str, deps: str, array: str, **options: Any) -> Row:
    return core.add_step("f", slug, deps.split(), step_type="map", options=Jsonb({"array": array} | options))


def complete(core: Core, task: Row, output: Json) -> None:
    core.complete_task(task.run_id, task.step_slug, task.task_index, output)


def finish(core: Core, **outputs: Json) -> None:
    """Complete the queued tasks of these steps, each with its step's output."""
    tasks = {task.step_slug: task for task in core.poll("f", 20)}
    assert set(outputs) <= set(tasks)
    for slug, output in outputs.items():
        complete(core, tasks[slug], output)


def inputs_of(core: Core, run: Row, slug: str = "m") -> list[Json]:
    return [row.input for row in core.call("get_step_inputs", run_ids=[run.run_id], step_slugs=[slug])]


@pytest.fixture
def flow(core: Core) -> Core:
    core.flow("f", "lines", "rate")
    add_map(core, "m", "rate lines", "lines")
    return core


def test_the_array_alone_gives_the_elements(flow: Core) -> None:
    run = flow.start_flow("f")
    finish(flow, rate={"eur": 1}, lines=[7, None])
    assert sorted(task.input or 0 for task in flow.poll("f", 9)) == [0, 7]
    assert inputs_of(flow, run) == [{"rate": {"eur": 1}}]


def test_no_type_is_asked_of_the_others(flow: Core) -> None:
    run = flow.start_flow("f")
    finish(flow, rate="no array")
    assert flow.run(run.run_id).status == "started"
    assert flow.step(run.run_id, "m").initial_tasks is None
    flow.complete_task(run.run_id, "lines", 0, "no array")
    assert "m expects array input but dependency lines" in flow.run(run.run_id).error_message


@pytest.mark.parametrize("last", ["lines", "rate"])
def test_an_empty_array_is_over_when_all_have_ended(flow: Core, last: str) -> None:
    run = flow.start_flow("f")
    tasks = sorted(flow.poll("f", 9), key=lambda task: bool(task.step_slug == last))
    for task in tasks:
        assert flow.step(run.run_id, "m").status == "created"
        complete(flow, task, [])
    assert flow.run(run.run_id).output == {"m": []}


def test_others_that_were_skipped_leave_the_elements_alone(core: Core) -> None:
    core.flow("f", "lines")
    core.add_step("f", "rate", [], required_input_pattern={"never": 1})
    add_map(core, "m", "lines rate", "lines")
    run = core.start_flow("f")
    finish(core, lines=[1, 2])
    assert core.step(run.run_id, "m").initial_tasks == 2
    assert inputs_of(core, run) == [{}]


def test_a_skipped_array_has_no_elements(core: Core) -> None:
    core.flow("f", "rate")
    core.add_step("f", "lines", [], required_input_pattern={"never": 1})
    add_map(core, "m", "lines rate", "lines")
    core.start_flow("f")
    finish(core, rate=[1, 2, 3])
    assert core.value("select output from pgflow.runs") == {"m": []}


class TestOverTheRunsInput:
    def test_it_waits_for_the_others(self, core: Core) -> None:
        core.flow("f", "rate")
        add_map(core, "m", "rate", "flow_input")
        run = core.start_flow("f", [7, 8])
        assert core.step(run.run_id, "m").initial_tasks == 2
        finish(core, rate=[1, 2, 3])
        assert [task.input for task in core.poll("f", 9)] == [7, 8]
        assert inputs_of(core, run) == [{"rate": [1, 2, 3]}]

    def test_an_empty_input_is_over_after_the_others(self, core: Core) -> None:
        core.flow("f", "rate")
        add_map(core, "m", "rate", "flow_input")
        run = core.start_flow("f", [])
        assert core.run(run.run_id).status == "started"
        finish(core, rate=1)
        assert core.run(run.run_id).output == {"m": []}

    def test_only_an_array_starts_the_flow(self, core: Core) -> None:
        core.flow("f", "rate")
        add_map(core, "m", "rate", "flow_input")
        with core.refused("input is not an array"):
            core.start_flow("f", {"a": 1})

    def test_a_fork_counts_the_elements_of_the_new_input(self, core: Core) -> None:
        core.flow("f", "rate")
        add_map(core, "m", "rate", "flow_input")
        run = core.start_flow("f", [7, 8])
        (fork,) = core.call("fork_run", run_id=run.run_id, from_steps=["rate", "m"], input=Jsonb([1, 2, 3]))
        assert core.step(fork.fork_run, "m").initial_tasks == 3


def test_conditions_see_all_inputs(core: Core) -> None:
    core.flow("f", "lines", "rate")
    add_map(core, "m", "lines rate", "lines", if_any=[{"rate": {"go": True}}, {"flow_input": {"go": True}}])
    run = core.start_flow("f", {"go": False})
    finish(core, lines=[1], rate={"go": False})
    assert core.step(run.run_id, "m").skip_reason == "condition_unmet"


def test_a_fork_takes_over_the_array(flow: Core) -> None:
    run = flow.start_flow("f")
    finish(flow, lines=[1, 2])
    (fork,) = flow.call("fork_run", run_id=run.run_id, from_steps=["rate"])
    step = flow.step(fork.fork_run, "m")
    assert (step.initial_tasks, step.remaining_deps) == (2, 1)


class TestDefinition:
    def test_structure_tells_the_array_where_it_is_not_plain(self, flow: Core) -> None:
        flow.add_step("f", "plain", ["lines"], step_type="map")
        add_map(flow, "root", "rate", "flow_input")
        steps = flow.value("select pgflow.get_flow_definition('f') -> 'structure' -> 'steps'")
        assert {step["slug"]: step.get("array") for step in steps} == {
            "lines": None,
            "rate": None,
            "m": "lines",
            "plain": None,
            "root": "flow_input",
        }

    def test_repeating_it_changes_nothing(self, flow: Core) -> None:
        assert add_map(flow, "m", "lines rate", "lines").deps_count == 2
        with flow.refused('has a step "m" already', sqlstate="PF010"):
            add_map(flow, "m", "lines rate", "rate")

    def test_altering_keeps_the_array(self, flow: Core) -> None:
        flow.call("alter_step", flow_slug="f", step_slug="m", options=Jsonb({"array": "lines"}))
        flow.call("alter_step", flow_slug="f", step_slug="m", timeout=9)
        with flow.refused("goes over another array", sqlstate="PF010"):
            flow.call("alter_step", flow_slug="f", step_slug="m", options=Jsonb({"array": "rate"}))
        run = flow.start_flow("f")
        finish(flow, rate=[1], lines=[7, 8])
        assert flow.step(run.run_id, "m").initial_tasks == 2

    def test_what_is_no_array_of_a_map_is_refused(self, flow: Core) -> None:
        with flow.refused("it is no map", sqlstate="PF011"):
            flow.add_step("f", "s", ["lines"], options=Jsonb({"array": "lines"}))
        with flow.refused("on which it does not depend", sqlstate="PF011"):
            add_map(flow, "n", "rate", "lines")
        with flow.refused("can have at most one dependency"):
            flow.add_step("f", "n", ["lines", "rate"], step_type="map")
        flow.add_step("f", "pause", [], options=Jsonb({"kind": "sleep", "seconds": 1}))
        with flow.refused('cannot go over "pause"', sqlstate="PF011"):
            add_map(flow, "n", "lines pause", "pause")
        assert add_map(flow, "n", "lines pause", "lines").deps_count == 2


class TestPicks:
    """Steps that complete at once with a value of the run's input."""

    def pick(self, core: Core, *path: str, **options: Any) -> None:
        core.create_flow("f")
        core.add_step("f", "p", [], options=Jsonb({"kind": "pick", "pick": list(path)}), **options)

    @pytest.mark.parametrize(
        ("input", "output"),
        [({"a": {"b": [1]}}, [1]), ({"a": {"b": None}}, None), ({"a": 1}, None), (7, None)],
    )
    def test_it_takes_what_is_there(self, core: Core, input: Json, output: Json) -> None:
        self.pick(core, "a", "b")
        run = core.start_flow("f", input)
        assert (run.status, run.output) == ("completed", {"p": output})

    @pytest.mark.parametrize(
        ("input", "count"), [({"a": [1, 2]}, 2), ({"a": []}, 0), ({}, 0), ({"a": None}, 0)]
    )
    def test_a_map_goes_over_it(self, core: Core, input: Json, count: int) -> None:
        self.pick(core, "a")
        core.add_step("f", "m", ["p"], step_type="map")
        run = core.start_flow("f", input)
        assert len(core.poll("f", 9)) == count
        assert (run.status == "completed") is (count == 0)

    def test_a_map_cannot_go_over_what_is_no_array(self, core: Core) -> None:
        self.pick(core, "a")
        core.add_step("f", "m", ["p"], step_type="map")
        run = core.start_flow("f", {"a": "x"})
        assert (run.status, run.error_message[:16]) == ("failed", "[TYPE_VIOLATION]")

    def test_it_is_skipped_with_its_map(self, core: Core) -> None:
        self.pick(core, "a", required_input_pattern={"done": True})
        core.add_step(
            "f", "m", ["p"], step_type="map", options=Jsonb({"if_any": [{"flow_input": {"done": True}}]})
        )
        run = core.start_flow("f", {"a": [1], "done": False})
        assert {core.step(run.run_id, slug).skip_reason for slug in "pm"} == {"condition_unmet"}

    def test_what_is_no_path_is_refused(self, core: Core) -> None:
        core.flow("f", "a")
        for path in (None, [], "a", [1]):
            with core.refused("pick must be a path", sqlstate="PF011"):
                core.add_step("f", "p", [], options=Jsonb({"kind": "pick", "pick": path}))
        with core.refused("depends on no step", sqlstate="PF011"):
            core.add_step("f", "p", ["a"], options=Jsonb({"kind": "pick", "pick": ["a"]}))
