"""The migration of a flow: topological, in the order of definition, only what was set."""

from __future__ import annotations

import pytest

from pgflow_gen.ir.flow import Json
from pgflow_gen.render import compile_sql
from tests.support.ir import STR, Types, dict_of, element, flow, list_of, param, step

NO_TYPES = Types().table


def calls(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("--")]
    assert (lines[0], lines[-1]) == ("begin;", "commit;")
    return lines[1:-1]


def test_a_flow_is_one_transaction_of_calls() -> None:
    urls = step("urls", param("flow_input", STR), kind="array", returns=list_of(STR))
    fetch = step(
        "fetch", element("url", STR), kind="map", array="urls", options={"timeout": 30, "max_attempts": 5}
    )
    report = step(
        "report", param("fetch", list_of(STR)), param("urls", list_of(STR)), options={"start_delay": 10}
    )
    made = flow(urls, fetch, report, slug="crawl", options={"timeout": 60, "max_attempts": 3})
    assert calls(compile_sql(made, NO_TYPES)) == [
        "select pgflow.create_flow('crawl', max_attempts => 3, timeout => 60);",
        "select pgflow.add_step('crawl', 'urls');",
        "select pgflow.add_step('crawl', 'fetch', array['urls'],"
        " max_attempts => 5, timeout => 30, step_type => 'map');",
        "select pgflow.add_step('crawl', 'report', array['fetch', 'urls'], start_delay => 10);",
    ]


def test_every_option_has_its_argument_in_the_order_of_the_function() -> None:
    everything: dict[str, Json] = {
        "max_delay": 90,
        "backoff": "fixed",
        "when_exhausted": "skip",
        "when_unmet": "skip-cascade",
        "if_not": {"a": "it's"},
        "if_": {"b": ["\\"]},
        "start_delay": 0,
        "timeout": 3,
        "base_delay": 1,
        "max_attempts": 1,
        "transactional": True,
    }
    only = step("a", param("flow_input", STR), options=everything)
    options: dict[str, Json] = {
        "max_delay": 9,
        "backoff": "exponential",
        "timeout": 8,
        "base_delay": 7,
        "max_attempts": 6,
    }
    create, add = calls(compile_sql(flow(only, slug="f", options=options), NO_TYPES))
    assert create == (
        "select pgflow.create_flow('f', max_attempts => 6, base_delay => 7, timeout => 8,"
        " backoff => 'exponential', max_delay => 9);"
    )
    assert add == (
        "select pgflow.add_step('f', 'a', max_attempts => 1, base_delay => 1, timeout => 3, start_delay => 0,"
        """ required_input_pattern => E'{"b": ["\\\\\\\\"]}'::jsonb,"""
        """ forbidden_input_pattern => '{"a": "it''s"}'::jsonb,"""
        " when_unmet => 'skip-cascade', when_exhausted => 'skip', backoff => 'fixed', max_delay => 90);"
    )


def test_options_after_the_named_parameters_are_one_object() -> None:
    options: dict[str, Json] = {"run_timeout": 3600, "timeout": 8}
    (create, _) = calls(compile_sql(flow(step("a"), slug="f", options=options), NO_TYPES))
    assert create == (
        """select pgflow.create_flow('f', timeout => 8, options => '{"run_timeout": 3600}'::jsonb);"""
    )


def test_steps_follow_their_dependencies_and_else_their_definition() -> None:
    late = step("late", param("root_b", STR))
    root_a, root_b = step("root_a", param("flow_input", STR)), step("root_b", param("flow_input", STR))
    last = step("last", param("late", STR), depends_on=("root_a",))
    order = [
        line.split("'")[3] for line in calls(compile_sql(flow(last, late, root_a, root_b), NO_TYPES))[1:]
    ]
    assert order == ["root_a", "root_b", "late", "last"]


def test_a_later_version_has_its_own_slug() -> None:
    text = compile_sql(flow(step("a", param("flow_input", STR)), slug="crawl", version=2), NO_TYPES)
    assert "create_flow('crawl_v2')" in text
    assert "add_step('crawl_v2', 'a')" in text


def test_a_cycle_is_not_rendered() -> None:
    with pytest.raises(ValueError, match="cycle"):
        compile_sql(flow(step("a", param("b", STR)), step("b", param("a", STR))), NO_TYPES)


def test_the_text_does_not_depend_on_types_or_bodies() -> None:
    one = flow(step("a", param("flow_input", STR)), slug="f")
    other = flow(
        step("a", param("flow_input", dict_of(STR)), returns=list_of(STR)), slug="f", input=dict_of(STR)
    )
    assert compile_sql(one, NO_TYPES).splitlines()[1:] == compile_sql(other, NO_TYPES).splitlines()[1:]
