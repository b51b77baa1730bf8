"""A run starts (specification/core.md, "Starting runs")."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.core import SQL_NULL, Core, by_slug


def test_returns_the_run(core: Core) -> None:
    core.flow("f", "a", "b", "c < a b")
    run = core.start_flow("f", {"x": [1, None]})
    assert (run.flow_slug, run.status, run.input) == ("f", "started", {"x": [1, None]})
    assert (run.remaining_steps, run.output, run.started_at) == (3, None, core.now())
    assert (run.completed_at, run.failed_at) == (None, None)
    assert core.run(run.run_id) == run


def test_one_row_even_with_several_roots(core: Core) -> None:
    core.flow("f", "a", "b", "c", "d")
    assert len(core.rows("select * from pgflow.start_flow('f', '{}')")) == 1


def test_states_of_every_step(core: Core) -> None:
    core.flow("f", "a", "b", "m:map", "c < a b", "n:map < a")
    run = core.start_flow("f", [10, [20, 30]])
    found = by_slug(core.rows("select * from pgflow.step_states where run_id = %s", run.run_id))
    assert {
        slug: (row.status, row.remaining_deps, row.initial_tasks, row.remaining_tasks)
        for slug, row in found.items()
    } == {
        "a": ("started", 0, 1, 1),
        "b": ("started", 0, 1, 1),
        "m": ("started", 0, 2, 2),
        "c": ("created", 2, 1, None),
        "n": ("created", 1, None, None),
    }
    assert {row.flow_slug for row in found.values()} == {"f"}
    assert {row.created_at for row in found.values()} == {core.now()}
    assert found["a"].started_at == core.now()
    assert found["c"].started_at is None


def test_given_run_id(core: Core) -> None:
    core.flow("f", "a")
    run_id = uuid4()
    assert core.start_flow("f", {}, run_id).run_id == run_id
    assert core.value("select run_id from pgflow.start_flow('f', '{}', null)") != run_id


def test_named_and_untyped_arguments(core: Core) -> None:
    core.flow("f", "a")
    core.row("select * from pgflow.start_flow(flow_slug => 'f', input => '{}')")
    core.row("select * from pgflow.start_flow('f', '{}'::jsonb)")


@pytest.mark.parametrize("value", [{}, {"a": 1}, [], [1], "text", 5, 1.5, True, False, None])
def test_a_flow_without_root_map_takes_any_json(core: Core, value: Any) -> None:
    core.flow("f", "a")
    run = core.start_flow("f", value)
    assert run.input == value
    assert core.poll("f")[0].flow_input == value


def test_null_is_json_null(core: Core) -> None:
    """PostgREST hands a JSON null on as SQL's."""
    core.flow("f", "a")
    run = core.start_flow("f", SQL_NULL)
    assert core.value("select input::text from pgflow.runs") == "null"
    assert core.start_flow("f", SQL_NULL, run.run_id).run_id == run.run_id
    assert core.start_flow("f", None, run.run_id).run_id == run.run_id
    state = core.value("select pgflow.start_flow_with_states('f', null)")
    assert state["run"]["input"] is None
    core.rows("select * from pgflow.start_flows('f', array[null, '1', 'null']::jsonb[])")
    inputs = core.rows("select input::text as input from pgflow.runs order by 1")
    assert [row.input for row in inputs] == ["1", "null", "null", "null", "null"]


def test_null_input_of_a_root_map(core: Core) -> None:
    core.flow("f", "a", "m:map")
    with core.refused("^Flow f has root map steps but input is NULL", sqlstate="P0001"):
        core.start_flow("f", SQL_NULL)
    assert core.rows("select * from pgflow.runs") == []
    assert core.queue("f") == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [({}, "object"), ("x", "string"), (1, "number"), (True, "boolean"), (None, "null"), ({"0": 1}, "object")],
)
def test_root_maps_want_an_array(core: Core, value: Any, kind: str) -> None:
    core.flow("f", "m:map", "a")
    message = rf"^Flow f has root map steps but input is not an array \(got {kind}\)"
    with core.refused(message, sqlstate="P0001"):
        core.start_flow("f", value)
    assert core.rows("select * from pgflow.runs") == []
    assert core.queue("f") == []
    assert core.events() == []


def test_a_dependent_map_does_not_restrict_the_input(core: Core) -> None:
    core.flow("f", "a", "m:map < a")
    assert core.start_flow("f", {"no": "array"}).status == "started"


def test_only_top_level_elements_count(core: Core) -> None:
    core.flow("f", "m:map")
    run = core.start_flow("f", [[1, 2, 3], [4]])
    assert core.step(run.run_id, "m").initial_tasks == 2
    assert len(core.tasks(run.run_id)) == 2


def test_unknown_flow(core: Core) -> None:
    with core.refused(sqlstate="PF001"):
        core.start_flow("nope", {})
    assert core.rows("select * from pgflow.runs") == []


def test_flow_without_steps_completes_at_once(core: Core) -> None:
    core.create_flow("f")
    run = core.start_flow("f", {})
    assert (run.status, run.output, run.remaining_steps) == ("completed", None, 0)
    assert run.completed_at == core.now()
    assert core.event_names() == ["run:started", "run:completed"]


def test_the_returned_run_is_as_it_is_afterwards(core: Core) -> None:
    core.flow("f", "m:map", "n:map < m")
    run = core.start_flow("f", [])
    assert (run.status, run.output, run.remaining_steps) == ("completed", {"n": []}, 0)


def test_a_failing_call_leaves_nothing(core: Core) -> None:
    core.flow("f", "a")
    core.run_sql("select pgmq.drop_queue('f')")
    with core.refused(sqlstate="42P01"):
        core.start_flow("f", {})
    for table in ("runs", "step_states", "step_tasks"):
        assert core.value(f"select count(*) from pgflow.{table}") == 0
    assert core.events() == []


def test_runs_of_one_flow_are_independent(core: Core) -> None:
    core.flow("f", "a", "b < a")
    first, second = core.start_flow("f", 1), core.start_flow("f", 2)
    core.work("f", "of the first")
    assert core.statuses(first.run_id) == {"a": "completed", "b": "started"}
    assert core.statuses(second.run_id) == {"a": "started", "b": "created"}


class TestSameRunId:
    """An existing id is an answer, not an error, when flow and input are the same."""

    @pytest.fixture
    def run_id(self, core: Core) -> UUID:
        core.flow("f", "a")
        core.flow("g", "a")
        run_id = uuid4()
        core.start_flow("f", {"x": 1, "y": [1.0]}, run_id)
        return run_id

    def test_same_flow_and_input(self, core: Core, run_id: UUID) -> None:
        sent, queued = core.events(), core.queue("f")
        run = core.start_flow("f", {"y": [1.0], "x": 1}, run_id)
        assert run == core.run(run_id)
        assert (core.events(), [m.msg_id for m in core.queue("f")]) == (sent, [m.msg_id for m in queued])
        assert core.value("select count(*) from pgflow.runs") == 1

    def test_it_returns_the_run_as_it_is_now(self, core: Core, run_id: UUID) -> None:
        core.work("f", 7)
        run = core.start_flow("f", {"x": 1, "y": [1.0]}, run_id)
        assert (run.status, run.output) == ("completed", {"a": 7})

    def test_other_input(self, core: Core, run_id: UUID) -> None:
        with core.refused(sqlstate="PF002"):
            core.start_flow("f", {"x": 2}, run_id)

    def test_other_flow(self, core: Core, run_id: UUID) -> None:
        with core.refused(sqlstate="PF002"):
            core.start_flow("g", {"x": 1, "y": [1.0]}, run_id)
