"""A flow from its structure (specification/core.md, "Definitions")."""

from __future__ import annotations

from tests.support.core import Core
from tests.support.shapes import create, shape, step, stored_shape


def test_what_is_created_has_that_shape(core: Core) -> None:
    wanted = shape(
        step("a", requiredInputPattern={"defined": True, "value": {"x": 1}}, whenUnmet="skip-cascade"),
        step("m", "a", stepType="map", whenExhausted="skip"),
        step("end", "a", "m", forbiddenInputPattern={"defined": True, "value": {}}),
    )
    create(core, "f", wanted)
    assert stored_shape(core, "f") == wanted
    flow = core.row("select * from pgflow.flows")
    assert (flow.opt_max_attempts, flow.opt_base_delay, flow.opt_timeout) == (3, 5, 60)


def test_options(core: Core) -> None:
    options = {"maxAttempts": 1, "baseDelay": 2, "timeout": 3, "startDelay": 4}
    create(core, "f", shape(step("a", options=options), step("b"), maxAttempts=7, baseDelay=8, timeout=9))
    flow = core.row("select * from pgflow.flows")
    assert (flow.opt_max_attempts, flow.opt_base_delay, flow.opt_timeout) == (7, 8, 9)
    rows = core.rows("select * from pgflow.steps order by step_index")
    found = [(r.opt_max_attempts, r.opt_base_delay, r.opt_timeout, r.opt_start_delay) for r in rows]
    assert found == [(1, 2, 3, 4), (None, None, None, None)]


def test_missing_keys_mean_the_defaults(core: Core) -> None:
    create(core, "f", {"steps": [{"slug": "a", "stepType": "single"}]})
    assert stored_shape(core, "f") == shape(step("a"))


def test_a_flow_without_steps(core: Core) -> None:
    create(core, "f", {"steps": []})
    assert stored_shape(core, "f") == {"steps": []}
    assert core.value("select count(*) from pgflow.flows") == 1
