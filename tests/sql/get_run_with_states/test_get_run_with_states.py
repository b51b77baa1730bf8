"""A run and its steps in one document (specification/core.md, "Reading and deleting")."""

from __future__ import annotations

from uuid import uuid4

from tests.support.core import Core


def test_all_columns_under_their_names(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    run = core.start_flow("f", {"x": 1})
    core.work("f", [5, 6])
    found = core.value("select pgflow.get_run_with_states(run_id => %s)", run.run_id)
    assert set(found) >= {"run", "steps"}
    expected = core.value("select to_jsonb(r) from pgflow.runs r where run_id = %s", run.run_id)
    assert expected.items() <= found["run"].items()
    states = core.rows("select to_jsonb(s) as row from pgflow.step_states s where run_id = %s", run.run_id)
    assert len(found["steps"]) == 2
    for state in states:
        (step,) = [step for step in found["steps"] if step["step_slug"] == state.row["step_slug"]]
        assert state.row.items() <= step.items()


def test_only_the_steps_of_that_run(core: Core) -> None:
    core.flow("f", "a", "b")
    first, second = core.start_flow("f", 1), core.start_flow("f", 2)
    found = core.value("select pgflow.get_run_with_states(%s)", second.run_id)
    assert {step["run_id"] for step in found["steps"]} == {str(second.run_id)}
    assert first.run_id != second.run_id


def test_a_run_without_steps(core: Core) -> None:
    core.create_flow("f")
    run = core.start_flow("f", 1)
    assert core.value("select pgflow.get_run_with_states(%s)", run.run_id)["steps"] == []


def test_unknown_run(core: Core) -> None:
    assert core.value("select pgflow.get_run_with_states(%s)", uuid4()) is None
