"""What watchers read: no inputs, and each output once."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from tests.support.batch import claim, fail, register
from tests.support.core import Core


def progress(core: Core, run_ids: list[UUID], **known: list[str]) -> dict[UUID, Any]:
    outputs = {name.replace("_", "-").removeprefix("r-"): slugs for name, slugs in known.items()}
    rows = core.rows("select * from pgflow.get_run_progress(%s, %s)", run_ids, json.dumps(outputs))
    return {row.run_id: row.progress for row in rows}


def known_as(run_id: UUID) -> str:
    return "r_" + str(run_id).replace("-", "_")


def test_everything_of_the_full_reading_but_input_and_what_ids_say(core: Core) -> None:
    core.flow("f", "a", "m:map < a", "b")
    run = core.start_flow("f", {"x": 1})
    core.work("f", [5, 6])
    found = progress(core, [run.run_id])[run.run_id]
    full = core.value("select pgflow.get_run_with_states(%s)", run.run_id)
    for column in ("input", "trace_context", "has_origin", "end_count"):
        del full["run"][column]
    assert found["run"] == full["run"] | {"origin": None}
    assert [step["step_slug"] for step in found["steps"]] == ["a", "m", "b"]
    for step, expected in zip(found["steps"], full["steps"], strict=True):
        step.pop("wait", None)
        assert step.items() <= expected.items()
        assert expected.keys() - step.keys() <= {"flow_slug", "run_id", "output"}
    assert found["steps"][0]["output"] == [5, 6]


def test_known_outputs_do_not_come_again(core: Core) -> None:
    core.flow("f", "a", "b < a", "c < b")
    run = core.start_flow("f", 1)
    core.work("f", 10)
    core.work("f", None)
    steps = progress(core, [run.run_id], **{known_as(run.run_id): ["a"]})[run.run_id]["steps"]
    outputs = {step["step_slug"]: step.get("output", "absent") for step in steps}
    assert outputs == {"a": "absent", "b": None, "c": "absent"}


def test_a_claim_to_know_the_output_of_an_open_step_changes_nothing(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f", 1)
    (step,) = progress(core, [run.run_id], **{known_as(run.run_id): ["a", "x"]})[run.run_id]["steps"]
    assert step["status"] == "started"
    assert "output" not in step


def test_the_output_of_a_completed_run(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f", 1)
    core.work("f", {"y": None})
    found = progress(core, [run.run_id], **{known_as(run.run_id): ["a"]})[run.run_id]
    assert found["run"]["status"] == "completed"
    assert found["run"]["output"] == {"a": {"y": None}}


def test_several_runs_and_ones_that_do_not_exist(core: Core) -> None:
    core.flow("f", "a")
    core.create_flow("empty")
    first, second = core.start_flow("f", 1), core.start_flow("empty", 2)
    found = progress(core, [first.run_id, uuid4(), second.run_id])
    assert found.keys() == {first.run_id, second.run_id}
    assert found[second.run_id]["steps"] == []
    assert progress(core, []) == {}


def test_steps_that_wait_for_nothing_cost_no_look_at_what_they_wait_for(core: Core) -> None:
    core.run_sql("set local track_functions = 'all'")
    core.flow("f", "a", "b", "c")
    run = core.start_flow("f", 1)
    asked = "select coalesce(sum(calls), 0)::int from pg_stat_xact_user_functions where funcname = '_wait_of'"
    before = core.value(asked)
    steps = progress(core, [run.run_id])[run.run_id]["steps"]
    assert [(step["status"], step["wait"]) for step in steps] == [("started", None)] * 3
    assert core.value(asked) == before


def test_a_plain_step_says_that_its_task_waits_for_its_time(core: Core) -> None:
    core.flow("f", "a", "b")
    run = core.start_flow("f", 1)
    worker = register(core, "f")
    fail(core, claim(core, (worker, "f"), max_tasks=1), retry_after=[60])
    steps = {step["step_slug"]: step for step in progress(core, [run.run_id])[run.run_id]["steps"]}
    assert sorted(str((step["wait"] or {}).get("waits_for")) for step in steps.values()) == ["None", "time"]
