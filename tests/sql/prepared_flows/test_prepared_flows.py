"""`prepared_flows` says the same as flows and steps, however these came to be what they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core import Core, Row
from tests.support.sessions import Session


def prepared(core: Core, flow_slug: str = "f") -> Row:
    return core.row("select * from pgflow.prepared_flows where flow_slug = %s", flow_slug)


def present(core: Core, flow_slug: str = "f") -> dict[str, Any]:
    """Without what was before, which cannot be derived."""
    row = prepared(core, flow_slug)._asdict()
    return {name: value for name, value in row.items() if name not in ("longer_timeouts", "shortened_at")}


def derived(core: Core, flow_slug: str = "f") -> dict[str, Any]:
    """What the row must hold, derived here from the rows of the flow and its steps."""
    flow = core.row("select * from pgflow.flows where flow_slug = %s", flow_slug)
    steps = core.rows("select * from pgflow.steps where flow_slug = %s order by step_index", flow_slug)
    timeouts = [flow.opt_timeout if step.opt_timeout is None else step.opt_timeout for step in steps]
    maps = [step.step_type == "map" for step in steps]
    arrays = core.rows("select * from pgflow.deps where flow_slug = %s and is_array", flow_slug)
    array_of = {dep.step_slug: dep.dep_slug for dep in arrays}
    array_slugs = [array_of.get(step.step_slug, "") if step.step_type == "map" else None for step in steps]
    return {
        "flow_slug": flow_slug,
        "flow_timeout": flow.opt_timeout,
        "step_slugs": [step.step_slug for step in steps],
        "deps_counts": [step.deps_count for step in steps],
        "maps": maps,
        "start_delays": [step.opt_start_delay or 0 for step in steps],
        "timeouts": timeouts,
        "vt_offsets": [timeout + 2 for timeout in timeouts],
        "max_attempts": [
            flow.opt_max_attempts if step.opt_max_attempts is None else step.opt_max_attempts
            for step in steps
        ],
        "root_slugs": sorted(step.step_slug for step in steps if step.deps_count == 0),
        "array_slugs": array_slugs if any(maps) else None,
        "has_root_maps": "" in array_slugs,
        "has_maps": any(maps),
        "has_conditions": any(
            step.required_input_pattern is not None
            or step.forbidden_input_pattern is not None
            or step.kind in ("signal", "sleep", "pick")
            for step in steps
        ),
        "has_delays": any(step.opt_start_delay for step in steps),
        "kinds": [step.kind for step in steps],
        "has_kinds": any(step.kind != "task" for step in steps),
        "has_ends": bool({"undo", "ends"} & flow.options.keys()),
        "companion_of": flow.options.get("companion", {}).get("of"),
        "run_timeout": flow.options.get("run_timeout"),
        "has_large_values": False,
        "is_paused": False,
    }


CHANGES = [
    "insert into pgflow.steps (flow_slug, step_slug, step_index) values ('f', 'Z', 7), ('g', 'y', 7)",
    "update pgflow.steps set step_type = 'map' where step_slug = 'a'",
    "update pgflow.steps set opt_start_delay = 5, opt_timeout = 9 where step_slug = 'c'",
    "update pgflow.steps set opt_start_delay = 0 where step_slug = 'c'",
    "update pgflow.steps set required_input_pattern = '{}' where step_slug = 'b'",
    "update pgflow.steps set forbidden_input_pattern = '{}' where step_slug = 'a'",
    "update pgflow.steps set step_index = 9 where step_slug = 'a'",
    "update pgflow.steps set opt_max_attempts = 0",
    "update pgflow.steps set flow_slug = 'g', step_index = 5 where step_slug = 'alone'",
    "update pgflow.flows set opt_timeout = 77, opt_max_attempts = 11",
    "select pgflow.alter_flow('f', timeout => 5)",
    """select pgflow.alter_flow('f', options => '{"run_timeout": 7}')""",
    """update pgflow.flows set options = '{"run_timeout": 7}'; select pgflow.alter_flow('f')""",
    """select pgflow.alter_flow('f', options => '{"ends": {"e": {"on": "failed"}}}')""",
    """select pgflow.alter_flow('f', options => '{"companion": {"of": "g"}}')""",
    "update pgflow.steps set kind = 'signal' where step_slug = 'b'",
    "update pgflow.steps set kind = 'sleep'; update pgflow.steps set kind = 'task'",
    "select pgflow.alter_step('f', 'b', timeout => 6)",
    "delete from pgflow.steps where step_slug = 'alone'",
    "delete from pgflow.deps; delete from pgflow.steps",
    "select 1",
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_flows_and_steps_is_followed(core: Core, change: str) -> None:
    core.flow("f", "alone", "b", "a < b", "c:map < a")
    core.flow("g", "a")
    for statement in change.split(";"):
        core.run_sql(statement)
    assert present(core) == derived(core)
    assert present(core, "g") == derived(core, "g")


def test_a_flow_without_steps_and_one_that_is_deleted(core: Core) -> None:
    core.create_flow("f")
    assert present(core) == derived(core)
    core.run_sql("delete from pgflow.flows")
    assert core.value("select count(*) from pgflow.prepared_flows") == 0


def test_steps_added_by_two_sessions_at_once(live: Core, live_dsn: str) -> None:
    live.create_flow("f")
    add = "insert into pgflow.steps (flow_slug, step_slug, step_index) values ('f', %s, %s)"
    with Session(live_dsn) as one, Session(live_dsn) as two:
        one.do(lambda core: core.run_sql(add, "a", 0))
        second = two.blocked_or_done(lambda core: core.run_sql(add, "b", 1))
        one.commit()
        second.result(timeout=30)
        two.commit()
    assert present(live) == derived(live)
    assert prepared(live).step_slugs == ["a", "b"]


@pytest.mark.parametrize("size", [60_000, 70_000])
def test_a_large_value_is_noted(core: Core, size: int) -> None:
    """Of an input, of an output, of what a map's outputs make together; and stays noted."""
    is_large = size > 65_536
    for slug in ("input", "output", "small"):
        core.flow(slug, "a", "m:map < a")
    core.start_flow("input", "x" * size)
    core.start_flow("output", 1)
    core.work("output", ["x" * size])
    core.start_flow("small", 1)
    core.work("small", [1, 2])
    for _ in range(2):
        core.work("small", "y" * (size // 2))
    for slug in ("input", "output", "small"):
        assert prepared(core, slug).has_large_values is is_large, slug
    core.run_sql("select pgflow.alter_flow('input', timeout => 5)")
    assert prepared(core, "input").has_large_values is is_large
