"""A run is completed with its last step (specification/core.md, "Completing")."""

from __future__ import annotations

import pytest

from tests.support.core import SQL_NULL, Core


def test_output_has_the_leaves(core: Core) -> None:
    core.flow("f", "a", "b < a", "c < a", "lonely")
    run = core.start_flow("f")
    for output in ("of a", "of lonely", {"b": 1}, [2]):
        core.work("f", output)
    found = core.run(run.run_id)
    assert (found.status, found.remaining_steps, found.completed_at) == ("completed", 0, core.now())
    assert found.output == {"b": {"b": 1}, "c": [2], "lonely": "of lonely"}


def test_a_map_leaf_gives_the_whole_array(core: Core) -> None:
    core.flow("f", "m:map")
    run = core.start_flow("f", ["x", "y", "z"])
    for task in reversed(core.poll("f", 3)):
        core.complete_task(run.run_id, "m", task.task_index, task.input * 2)
    assert core.run(run.run_id).output == {"m": ["xx", "yy", "zz"]}


@pytest.mark.parametrize("output", [None, SQL_NULL])
def test_null_outputs_are_json_null(core: Core, output: object) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.work("f", output)
    assert core.value("select output::text from pgflow.runs where run_id = %s", run.run_id) == '{"a": null}'


def test_one_event(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.work("f", 5)
    (event,) = core.events(event_type="run:completed")
    payload = event.payload
    assert (event.event, event.topic) == ("run:completed", f"pgflow:run:{run.run_id}")
    assert payload["run_id"] == str(run.run_id)
    assert (payload["flow_slug"], payload["status"], payload["output"]) == ("f", "completed", {"a": 5})
    assert core.value("select %s::timestamptz", payload["completed_at"]) == core.now()


def test_calling_it_again_does_nothing(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.work("f", 5)
    before, events = core.run(run.run_id), core.events()
    core.run_sql("select pgflow.maybe_complete_run(run_id => %s)", run.run_id)
    assert (core.run(run.run_id), core.events()) == (before, events)


def test_remaining_steps_keep_the_run_open(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.run_sql("select pgflow.maybe_complete_run(%s)", run.run_id)
    assert core.run(run.run_id) == run


def test_it_counts_remaining_steps_only(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.run_sql("update pgflow.runs set remaining_steps = 0")
    core.run_sql("select pgflow.maybe_complete_run(%s)", run.run_id)
    found = core.run(run.run_id)
    assert (found.status, found.output) == ("completed", None)


def test_a_failed_run_stays_failed(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.run_sql("update pgflow.runs set remaining_steps = 0, status = 'failed', failed_at = now()")
    core.clear_events()
    core.run_sql("select pgflow.maybe_complete_run(%s)", run.run_id)
    assert core.run(run.run_id).status == "failed"
    assert core.events() == []


def test_skipped_leaves_are_left_out(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "a")
    core.add_step("f", "b", [], required_input_pattern={"never": 1})
    run = core.start_flow("f", {})
    core.work("f", 1)
    assert core.run(run.run_id).output == {"a": 1}


def test_a_leaf_behind_a_skipped_leaf_is_not_promoted(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "a")
    core.add_step("f", "b", ["a"], required_input_pattern={"a": "never"})
    run = core.start_flow("f", {})
    core.work("f", 1)
    found = core.run(run.run_id)
    assert (found.status, found.output) == ("completed", None)
