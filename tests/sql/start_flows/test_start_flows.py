"""`start_flows` starts many runs in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core, Row


def start(
    core: Core,
    flow_slug: str,
    inputs: Sequence[Any],
    run_ids: Sequence[UUID] | None = None,
    trace_contexts: Sequence[Any] | None = None,
) -> list[Row]:
    return core.rows(
        "select * from pgflow.start_flows(%s, %s::jsonb[], %s::uuid[], %s::jsonb[])",
        flow_slug,
        [Jsonb(value) for value in inputs],
        None if run_ids is None else list(run_ids),
        None if trace_contexts is None else [Jsonb(value) for value in trace_contexts],
    )


def test_in_order_of_the_inputs(core: Core) -> None:
    core.flow("f", "a", "b < a")
    runs = start(core, "f", [{"n": n} for n in range(25)])
    assert [run.input["n"] for run in runs] == list(range(25))
    assert {(run.status, run.remaining_steps) for run in runs} == {("started", 2)}
    assert len(core.queue("f")) == 25
    assert core.run(runs[7].run_id) == runs[7]
    assert core.statuses(runs[7].run_id) == {"a": "started", "b": "created"}


def test_each_run_as_start_flow_would(core: Core) -> None:
    core.flow("f", "m:map", "n:map < m")
    runs = start(core, "f", [[], [1], [[], None]])
    assert [run.status for run in runs] == ["completed", "started", "started"]
    assert [len(core.tasks(run.run_id)) for run in runs] == [0, 1, 2]
    assert runs[0].output == {"n": []}
    names = core.event_names(runs[0].run_id)
    assert names == ["run:started", "step:m:completed", "step:n:completed", "run:completed"]


def test_conditions_differ_by_run(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "a", [], required_input_pattern={"go": True})
    core.add_step("f", "b", [], required_input_pattern={"strict": True}, when_unmet="fail")
    runs = start(core, "f", [{"go": True, "strict": True}, {"strict": True}, {"go": True}])
    assert [run.status for run in runs] == ["started", "started", "failed"]
    assert core.statuses(runs[0].run_id) == {"a": "started", "b": "started"}
    assert core.statuses(runs[1].run_id) == {"a": "skipped", "b": "started"}
    assert len(core.queue("f")) == 3


def test_no_inputs(core: Core) -> None:
    core.create_flow("f")
    assert start(core, "f", []) == []


def test_given_ids(core: Core) -> None:
    core.flow("f", "a")
    ids = [uuid4() for _ in range(5)]
    assert [run.run_id for run in start(core, "f", range(5), ids)] == ids


def test_existing_ids_are_answered(core: Core) -> None:
    core.flow("f", "a")
    ids = [uuid4() for _ in range(3)]
    start(core, "f", [1, 2], ids[:2])
    core.work("f", "done")
    events = len(core.events())
    runs = start(core, "f", [2, 3, 1], [ids[1], ids[2], ids[0]])
    assert [run.run_id for run in runs] == [ids[1], ids[2], ids[0]]
    assert [run.status for run in runs] == ["started", "started", "completed"]
    assert len(core.events()) == events + 2
    assert core.value("select count(*) from pgflow.runs") == 3


def test_the_same_id_twice_in_a_call(core: Core) -> None:
    core.flow("f", "a")
    run_id = uuid4()
    runs = start(core, "f", [1, 1], [run_id, run_id])
    assert [run.run_id for run in runs] == [run_id, run_id]
    assert len(core.queue("f")) == 1
    with core.refused(sqlstate="PF002"):
        other = uuid4()
        start(core, "f", [1, 2], [other, other])


def test_all_or_nothing(core: Core) -> None:
    core.flow("f", "m:map")
    taken = uuid4()
    core.start_flow("f", [0], taken)
    for inputs, ids, sqlstate in (
        ([[1], {"no": "array"}], None, "P0001"),
        ([[1], [2]], [uuid4(), taken], "PF002"),
    ):
        with core.refused(sqlstate=sqlstate):
            start(core, "f", inputs, ids)
    assert core.value("select count(*) from pgflow.runs") == 1
    assert len(core.queue("f")) == 1


def test_trace_contexts(core: Core) -> None:
    core.flow("f", "a")
    first, second = start(core, "f", [1, 2], None, [{"traceparent": "x"}, {"traceparent": "y"}])
    assert (first.trace_context, second.trace_context) == ({"traceparent": "x"}, {"traceparent": "y"})
    assert core.start_flow("f", 3).trace_context is None


def test_unknown_flow(core: Core) -> None:
    with core.refused(sqlstate="PF001"):
        start(core, "nope", [1])


@pytest.mark.parametrize("other", ["run_ids", "trace_contexts"])
def test_arrays_of_different_length(core: Core, other: str) -> None:
    core.flow("f", "a")
    given: dict[str, Any] = {"run_ids": [uuid4()]} if other == "run_ids" else {"trace_contexts": [{}]}
    with core.refused(sqlstate="PF005"):
        start(core, "f", [1, 2], **given)
