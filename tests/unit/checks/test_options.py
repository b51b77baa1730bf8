"""Values of options (207)."""

from __future__ import annotations

import pytest

from pgflow_gen.ir.flow import Json
from tests.support.ir import codes, flow, judge, step


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_attempts", 1),
        ("max_attempts", 1_000),
        ("base_delay", 1),
        ("base_delay", 31_536_000),
        ("timeout", 3),
        ("start_delay", 0),
        ("start_delay", 31_536_000),
        ("backoff", "fixed"),
        ("when_exhausted", "skip-cascade"),
        ("transactional", True),
    ],
)
def test_values_at_the_edge_pass(name: str, value: Json) -> None:
    assert codes(flow(step("a", options={name: value}))) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_attempts", 0, "must be at least 1, not 0"),
        ("max_attempts", 1_001, "must be at most 1,000, not 1,001"),
        ("max_attempts", True, "must be an integer, not True"),
        ("max_attempts", None, "must be an integer, not None"),
        ("base_delay", 0, "must be at least 1"),
        ("base_delay", 1.0, "must be an integer, not 1.0"),
        ("max_delay", 31_536_001, "must be at most 31,536,000"),
        ("timeout", 2, "must be at least 3, not 2"),
        ("timeout", "30", "must be an integer, not '30'"),
        ("start_delay", -1, "must be at least 0, not -1"),
        ("backoff", "linear", 'must be "exponential" or "fixed", not \'linear\''),
        ("when_exhausted", "ignore", 'must be "fail", "skip", "skip-cascade" or "value"'),
        ("when_exhausted", ["skip"], "must be"),
        ("transactional", 1, "must be True or False, not 1"),
    ],
)
def test_values_beyond_are_told_at_the_option(name: str, value: Json, words: str) -> None:
    (found,) = judge(flow(step("a", options={"when_exhausted": "skip"} | {name: value})))
    assert found.code == "PGF207"
    assert words in found.message
    assert found.span.line == 10


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "must be at least 1, not 0"),
        (31_536_001, "must be at most 31,536,000"),
        (1.5, "must be an integer, not 1.5"),
    ],
)
def test_a_run_may_take_from_a_second_to_a_year(value: Json, words: str) -> None:
    assert codes(flow(step("a"), options={"run_timeout": 1})) == []
    assert codes(flow(step("a"), options={"run_timeout": 31_536_000})) == []
    (found,) = judge(flow(step("a"), options={"run_timeout": value}))
    assert (found.code, found.message) == ("PGF207", found.message)
    assert words in found.message


def test_versions_start_at_1() -> None:
    (found,) = judge(flow(step("a"), version=0))
    assert (found.code, found.message) == ("PGF207", "flow 'example': version must be at least 1, not 0")


def test_near_words_are_offered() -> None:
    (found,) = judge(flow(step("a", options={"backoff": "exponental"})))
    assert found.help == 'did you mean "exponential"?'


def test_a_flows_options_are_judged_too() -> None:
    (found,) = judge(flow(step("a"), options={"timeout": 1}))
    assert (found.code, found.message) == ("PGF207", "flow 'example': timeout must be at least 3, not 1")


def test_max_delay_below_base_delay_also_across_flow_and_step() -> None:
    assert codes(flow(step("a", options={"base_delay": 5, "max_delay": 4}))) == ["PGF207"]
    assert codes(flow(step("a", options={"max_delay": 4}), options={"base_delay": 5})) == ["PGF207"]
    assert codes(flow(step("a", options={"base_delay": 5}), options={"max_delay": 4})) == ["PGF207"]
    assert codes(flow(step("a"), options={"base_delay": 5, "max_delay": 4})) == ["PGF207"]
    assert codes(flow(step("a", options={"base_delay": 5, "max_delay": 5}))) == []


def test_a_delay_that_is_wrong_itself_is_one_finding() -> None:
    assert codes(flow(step("a", options={"base_delay": 5, "max_delay": 0}))) == ["PGF207"]
