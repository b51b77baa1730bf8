"""A flow's structure, read from the tables (specification/core.md, "Definitions")."""

from __future__ import annotations

from tests.support.core import Core
from tests.support.shapes import shape, step, stored_shape


def test_all_keys_in_order_of_definition(core: Core) -> None:
    core.create_flow("f", max_attempts=9)
    core.add_step("f", "z", timeout=5)
    core.add_step("f", "b", [], forbidden_input_pattern={"x": [1]}, when_exhausted="skip-cascade")
    core.add_step("f", "a", ["z", "b"], required_input_pattern={"z": {}}, when_unmet="fail")
    core.add_step("f", "m", ["a"], step_type="map")
    assert stored_shape(core, "f") == shape(
        step("z"),
        step("b", forbiddenInputPattern={"defined": True, "value": {"x": [1]}}, whenExhausted="skip-cascade"),
        step("a", "b", "z", requiredInputPattern={"defined": True, "value": {"z": {}}}, whenUnmet="fail"),
        step("m", "a", stepType="map"),
    )


def test_unknown_flow_and_flow_without_steps(core: Core) -> None:
    core.create_flow("empty")
    assert stored_shape(core, "nope") == {"steps": []}
    assert stored_shape(core, "empty") == {"steps": []}
