"""Steps are added, and what we refuse that pgflow takes (specification/core.md, "Definitions")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core import Core


def deps(core: Core, flow_slug: str = "f") -> list[tuple[str, str]]:
    query = "select dep_slug, step_slug from pgflow.deps where flow_slug = %s order by step_slug, dep_slug"
    return [(row.dep_slug, row.step_slug) for row in core.rows(query, flow_slug)]


def test_root_step(core: Core) -> None:
    core.create_flow("f")
    row = core.add_step("f", "a")
    assert (row.flow_slug, row.step_slug, row.step_type, row.step_index, row.deps_count) == (
        "f", "a", "single", 0, 0,
    )  # fmt: skip
    options = (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout, row.opt_start_delay)
    assert options == (None, None, None, None)
    assert (row.required_input_pattern, row.forbidden_input_pattern) == (None, None)
    assert (row.when_unmet, row.when_exhausted) == ("skip", "fail")
    assert core.row("select * from pgflow.steps") == row


def test_indexes_and_dependencies(core: Core) -> None:
    core.flow("f", "a", "b", "c < a b", "d:map < c")
    found = core.rows(
        "select step_slug, step_index, deps_count, step_type from pgflow.steps order by step_index"
    )
    assert [tuple(row) for row in found] == [
        ("a", 0, 0, "single"),
        ("b", 1, 0, "single"),
        ("c", 2, 2, "single"),
        ("d", 3, 1, "map"),
    ]
    assert deps(core) == [("a", "c"), ("b", "c"), ("c", "d")]


def test_index_follows_the_highest_one(core: Core) -> None:
    core.create_flow("f")
    core.insert("steps", flow_slug="f", step_slug="a", step_index=41)
    assert core.add_step("f", "b").step_index == 42


def test_indexes_are_counted_per_flow(core: Core) -> None:
    core.flow("f", "a", "b")
    core.create_flow("g")
    assert core.add_step("g", "a").step_index == 0


def test_positional_and_untyped_literals(core: Core) -> None:
    core.create_flow("f")
    core.row("select * from pgflow.add_step('f', 'a', '{}')")
    core.row("select * from pgflow.add_step('f', 'b', '{a}', 4, 5, 6, 7, 'single')")
    row = core.row("select * from pgflow.steps where step_slug = 'b'")
    options = (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout, row.opt_start_delay)
    assert options == (4, 5, 6, 7)
    core.row(
        "select * from pgflow.add_step('f', 'c', array['a', 'b'], null, null, null, null, 'single', "
        "null, null, 'skip', 'fail')"
    )
    assert deps(core) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_options_are_stored_as_given(core: Core) -> None:
    core.create_flow("f")
    row = core.add_step(
        "f", "a", [], max_attempts=0, base_delay=0, timeout=1, start_delay=0, step_type="map",
        required_input_pattern={"x": [1]}, forbidden_input_pattern={}, when_unmet="fail",
        when_exhausted="skip-cascade",
    )  # fmt: skip
    options = (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout, row.opt_start_delay)
    assert options == (0, 0, 1, 0)
    assert (row.required_input_pattern, row.forbidden_input_pattern) == ({"x": [1]}, {})
    assert (row.step_type, row.when_unmet, row.when_exhausted) == ("map", "fail", "skip-cascade")


def test_null_dependencies_and_type(core: Core) -> None:
    core.create_flow("f")
    row = core.add_step("f", "a", None, step_type=None)
    assert (row.deps_count, row.step_type) == (0, "single")


def test_existing_step_stays_as_it_is(core: Core) -> None:
    core.flow("f", "a", "b")
    first = core.add_step("f", "c", ["a"], timeout=5)
    again = core.add_step("f", "c", ["a"], timeout=9, max_attempts=1)
    assert again == first
    assert core.value("select count(*) from pgflow.steps") == 3
    assert deps(core) == [("a", "c")]


def test_missing_dependencies_of_an_existing_step_are_inserted(core: Core) -> None:
    core.flow("f", "a", "b < a")
    core.run_sql("delete from pgflow.deps")
    core.add_step("f", "b", ["a"])
    assert deps(core) == [("a", "b")]


@pytest.mark.parametrize("steps", [["b"], ["a", "c"], [], ["c"]])
def test_an_existing_step_with_other_dependencies_is_refused(core: Core, steps: list[str]) -> None:
    """Half applied it would wait for ever, or make a cycle."""
    core.flow("f", "a", "b", "x < a b", "c < x", "s < a")
    before = core.rows("select * from pgflow.steps"), core.rows("select * from pgflow.deps")
    with core.refused(
        'Flow "f" has a step "s" already, single with the dependencies \\(a\\)', sqlstate="PF010"
    ):
        core.add_step("f", "s", steps)
    with core.refused(sqlstate="PF010"):
        core.add_step("f", "a", ["c"])
    assert (core.rows("select * from pgflow.steps"), core.rows("select * from pgflow.deps")) == before


def test_an_existing_step_of_another_type_is_refused(core: Core) -> None:
    core.flow("f", "a", "m:map < a", "s < a")
    for slug, kind in (("m", "single"), ("s", "map"), ("m", None)):
        with core.refused(sqlstate="PF010"):
            core.add_step("f", slug, ["a"], step_type=kind)


def test_the_order_of_dependencies_is_no_difference(core: Core) -> None:
    core.flow("f", "a", "b", "c < a b")
    assert core.add_step("f", "c", ["b", "a"]) == core.add_step("f", "c", ["a", "b"])


@pytest.mark.parametrize(
    ("given", "listed"),
    [(["a", "b"], "2 were provided: a, b"), (["c", "b", "a"], "3 were provided: c, b, a")],
)
def test_a_map_has_one_dependency(core: Core, given: list[str], listed: str) -> None:
    core.flow("f", "a", "b", "c")
    with core.refused(f'Map step "m" can have at most one dependency, but {listed}', sqlstate="P0001"):
        core.add_step("f", "m", given, step_type="map")
    assert core.value("select count(*) from pgflow.steps") == 3


def test_a_map_with_two_dependencies_is_refused_before_anything_else(core: Core) -> None:
    with core.refused('Map step "m" can have at most one dependency, but 2 were provided: x, y'):
        core.add_step("unknown", "m", ["x", "y"], step_type="map")


def test_unknown_flow(core: Core) -> None:
    message = 'insert or update on table "steps" violates foreign key constraint "steps_flow_slug_fkey"'
    with core.refused(message, sqlstate="23503"):
        core.add_step("nope", "a")


def test_unknown_dependency(core: Core) -> None:
    core.create_flow("f")
    message = (
        'insert or update on table "deps" violates foreign key constraint "deps_flow_slug_dep_slug_fkey"'
    )
    with core.refused(message, sqlstate="23503"):
        core.add_step("f", "a", ["nope"])
    assert core.rows("select * from pgflow.steps") == []


def test_a_step_of_another_flow_is_no_dependency(core: Core) -> None:
    core.flow("f", "a")
    core.create_flow("g")
    with core.refused(constraint="deps_flow_slug_dep_slug_fkey"):
        core.add_step("g", "b", ["a"])


def test_dependency_on_itself(core: Core) -> None:
    core.create_flow("f")
    message = 'new row for relation "deps" violates check constraint "deps_check"'
    with core.refused(message, sqlstate="23514"):
        core.add_step("f", "a", ["a"])


@pytest.mark.parametrize("slug", ["", "1a", "a-b", "run", "x" * 129])
def test_invalid_slug(core: Core, slug: str) -> None:
    core.create_flow("f")
    with core.refused('new row for relation "steps" violates check constraint "steps_step_slug_check"'):
        core.add_step("f", slug)


@pytest.mark.parametrize(
    ("options", "constraint"),
    [
        ({"step_type": "loop"}, "steps_step_type_check"),
        ({"start_delay": -1}, "opt_start_delay_is_nonnegative"),
        ({"required_input_pattern": [1]}, "required_input_pattern_is_object"),
        ({"forbidden_input_pattern": "x"}, "forbidden_input_pattern_is_object"),
        ({"when_unmet": "retry"}, "when_unmet_is_valid"),
        ({"when_exhausted": "retry"}, "when_exhausted_is_valid"),
        ({"max_attempts": -1}, None),
        ({"base_delay": -1}, None),
        ({"timeout": 0}, None),
    ],
)
def test_invalid_options(core: Core, options: dict[str, Any], constraint: str | None) -> None:
    core.create_flow("f")
    with core.refused('new row for relation "steps" violates', sqlstate="23514", constraint=constraint):
        core.add_step("f", "a", [], **options)


def test_a_dependency_listed_twice_is_refused(core: Core) -> None:
    core.flow("f", "a")
    with core.refused(sqlstate="PF006"):
        core.add_step("f", "b", ["a", "a"])
    assert core.value("select count(*) from pgflow.steps") == 1


def test_retry_strategy(core: Core) -> None:
    core.create_flow("f")
    row = core.add_step("f", "a", [], backoff="exponential", max_delay=60)
    assert (row.opt_backoff, row.opt_max_delay) == ("exponential", 60)
    row = core.add_step("f", "b", [])
    assert (row.opt_backoff, row.opt_max_delay) == (None, None)
    with core.refused(sqlstate="23514"):
        core.add_step("f", "c", [], backoff="linear")
