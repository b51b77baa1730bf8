"""Options and conditions of an existing step are changed by a function of their own."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core


def test_the_complete_set_of_options(core: Core) -> None:
    core.flow("f", "a")
    before = core.add_step(
        "f", "b", ["a"], max_attempts=9, base_delay=9, timeout=9, start_delay=9,
        required_input_pattern={"a": 1}, when_unmet="fail", when_exhausted="skip",
        backoff="fixed", max_delay=9,
    )  # fmt: skip
    (row,) = core.call(
        "alter_step", flow_slug="f", step_slug="b", timeout=3, forbidden_input_pattern=Jsonb({"x": 1}),
        when_exhausted="skip-cascade",
    )  # fmt: skip
    assert row == core.row("select * from pgflow.steps where step_slug = 'b'")
    assert (row.opt_timeout, row.forbidden_input_pattern, row.when_exhausted) == (3, {"x": 1}, "skip-cascade")
    assert (row.opt_max_attempts, row.opt_base_delay, row.opt_start_delay) == (None, None, None)
    assert (row.required_input_pattern, row.when_unmet) == (None, "skip")
    assert (row.opt_backoff, row.opt_max_delay) == (None, None)
    assert (row.step_type, row.step_index, row.deps_count) == ("single", before.step_index, 1)


def test_a_condition_counts_for_steps_that_have_not_started(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run = core.start_flow("f")
    core.call("alter_step", flow_slug="f", step_slug="b", required_input_pattern=Jsonb({"a": "never"}))
    core.work("f", 1)
    assert core.statuses(run.run_id) == {"a": "completed", "b": "skipped"}


def test_unknown_flow_or_step(core: Core) -> None:
    core.flow("f", "a")
    for flow, step in (("nope", "a"), ("f", "nope")):
        with core.refused(sqlstate="PF001"):
            core.call("alter_step", flow_slug=flow, step_slug=step)


@pytest.mark.parametrize(
    ("option", "constraint"),
    [
        ({"start_delay": -1}, "opt_start_delay_is_nonnegative"),
        ({"when_unmet": "no"}, "when_unmet_is_valid"),
        ({"required_input_pattern": Jsonb([1])}, "required_input_pattern_is_object"),
    ],
)
def test_invalid_options(core: Core, option: dict[str, Any], constraint: str) -> None:
    core.flow("f", "a")
    with core.refused(sqlstate="23514", constraint=constraint):
        core.call("alter_step", flow_slug="f", step_slug="a", **option)
