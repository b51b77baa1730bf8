"""What a worker or client compares its contract with."""

from __future__ import annotations

from uuid import uuid4

from psycopg.types.json import Jsonb

from tests.support.core import Core


def test_structure_and_settings(core: Core) -> None:
    core.create_flow("f", max_attempts=7, base_delay=2, timeout=30)
    core.add_step("f", "z")
    core.add_step("f", "b", [], start_delay=4)
    core.add_step(
        "f", "a", ["z", "b"], max_attempts=1, base_delay=0, timeout=9, required_input_pattern={"z": 1},
        forbidden_input_pattern={"b": 2}, when_unmet="fail", when_exhausted="skip", backoff="fixed",
        max_delay=8,
    )  # fmt: skip
    core.add_step("f", "m", ["b"], step_type="map")
    found = core.value("select pgflow.get_flow_definition(flow_slug => 'f')")
    assert found["structure"] == {
        "steps": [
            {"slug": "a", "type": "single", "dependencies": ["b", "z"]},
            {"slug": "b", "type": "single", "dependencies": []},
            {"slug": "m", "type": "map", "dependencies": ["b"]},
            {"slug": "z", "type": "single", "dependencies": []},
        ]
    }
    settings = found["settings"]
    steps = settings.pop("steps")
    assert settings == {"max_attempts": 7, "base_delay": 2, "timeout": 30}
    assert steps["a"] == {
        "max_attempts": 1, "base_delay": 0, "timeout": 9, "backoff": "fixed", "max_delay": 8,
        "when_unmet": "fail", "when_exhausted": "skip", "if": {"z": 1}, "if_not": {"b": 2},
    }  # fmt: skip
    assert steps["b"] == {"start_delay": 4, "when_unmet": "skip", "when_exhausted": "fail"}
    assert steps["z"] == {"when_unmet": "skip", "when_exhausted": "fail"}


def test_retry_strategy_of_the_flow(core: Core) -> None:
    core.create_flow("f", backoff="fixed", max_delay=60)
    found = core.value("select pgflow.get_flow_definition('f')")
    assert (found["settings"]["backoff"], found["settings"]["max_delay"]) == ("fixed", 60)
    assert found["structure"] == {"steps": []}


def test_options_beyond_the_named_ones(core: Core) -> None:
    core.create_flow("f", options=Jsonb({"run_timeout": 60}))
    core.add_step("f", "a", options=Jsonb({"reads_input": False}))
    core.add_step("f", "b")
    found = core.value("select pgflow.get_flow_definition('f')")
    assert found["settings"]["run_timeout"] == 60
    assert found["reads_input"] == {"a": False}
    assert found["settings"]["steps"]["a"] == found["settings"]["steps"]["b"]


def test_unknown_flow(core: Core) -> None:
    assert core.value("select pgflow.get_flow_definition('nope')") is None


def test_input_of_a_run(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f", {"x": [None]})
    assert core.value("select pgflow.get_run_input(run_id => %s)", run.run_id) == {"x": [None]}


def test_input_of_an_unknown_run(core: Core) -> None:
    with core.refused(sqlstate="PF008"):
        core.value("select pgflow.get_run_input(%s)", uuid4())


def test_schema_version(core: Core) -> None:
    version = core.value("select pgflow.schema_version()")
    assert type(version) is int
    assert version >= 1
