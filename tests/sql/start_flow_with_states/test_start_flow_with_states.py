"""A run starts and is read in one call (specification/core.md, "Starting runs")."""

from __future__ import annotations

from uuid import uuid4

from psycopg.types.json import Jsonb

from tests.support.core import Core


def test_starts_and_returns_the_same_structure(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run_id = uuid4()
    found = core.call("start_flow_with_states", flow_slug="f", input=Jsonb({"x": 1}), run_id=run_id)[0][0]
    assert found == core.value("select pgflow.get_run_with_states(%s)", run_id)
    assert found["run"]["status"] == "started"
    assert {step["step_slug"]: step["status"] for step in found["steps"]} == {"a": "started", "b": "created"}
    assert len(core.queue("f")) == 1


def test_without_run_id(core: Core) -> None:
    core.flow("f", "m:map")
    found = core.value("select pgflow.start_flow_with_states('f', '[]')")
    assert (found["run"]["status"], found["run"]["output"]) == ("completed", {"m": []})


def test_it_raises_what_start_flow_raises(core: Core) -> None:
    core.flow("f", "m:map")
    with core.refused("input is not an array", sqlstate="P0001"):
        core.value("select pgflow.start_flow_with_states('f', '{}')")
