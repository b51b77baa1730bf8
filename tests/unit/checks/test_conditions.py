"""Conditions, what may be skipped, and ``input`` (309-312)."""

from __future__ import annotations

import pytest

from pgflow_gen.ir.flow import Json
from pgflow_gen.ir.modes import effective_modes, may_be_absent
from pgflow_gen.ir.types import Field, TypeExpr
from tests.support.ir import (
    ANY,
    FLOAT,
    INT,
    JSON,
    NONE,
    STR,
    Types,
    codes,
    dict_of,
    element,
    flow,
    judge,
    list_of,
    literal,
    param,
    step,
    union,
)

OBJECT = dict_of(STR)
CONDITION: Json = {"kind": "x"}


@pytest.mark.parametrize(
    ("options", "modes"),
    [
        ({}, {"fail"}),
        ({"if_": CONDITION}, {"fail", "skip"}),
        ({"if_not": CONDITION, "when_unmet": "skip-cascade"}, {"fail", "skip-cascade"}),
        ({"if_": CONDITION, "when_unmet": "fail"}, {"fail"}),
        ({"when_exhausted": "skip"}, {"skip"}),
        ({"when_unmet": "skip"}, {"fail"}),
        ({"if_": CONDITION, "when_exhausted": "skip-cascade"}, {"skip", "skip-cascade"}),
    ],
)
def test_effective_modes(options: dict[str, Json], modes: set[str]) -> None:
    assert effective_modes(step("a", options=options)) == modes


def test_what_may_be_missing_from_a_completed_run() -> None:
    flow_ = flow(
        step("sure"),
        step("skipped", options={"when_exhausted": "skip"}),
        step("below", param("skipped", STR, default=True)),
        step("cascading", options={"when_exhausted": "skip-cascade"}),
        step("child", param("cascading", STR)),
        step("grandchild", param("child", STR)),
    )
    assert may_be_absent(flow_, Types().table) == {"skipped", "cascading", "child", "grandchild"}


@pytest.mark.parametrize("options", [{"if_": CONDITION}, {"if_not": CONDITION}, {"when_exhausted": "skip"}])
def test_a_step_that_may_be_skipped_needs_a_default(options: dict[str, Json]) -> None:
    optional = step("a", options=options)
    (found,) = judge(flow(optional, step("b", param("a", STR)), input=OBJECT))
    assert found.code == "PGF309"
    assert found.help == "write the parameter as a: str | None = None"
    assert found.span.line == 22
    with_default = step("b", param("a", union(STR, NONE), default=True))
    assert codes(flow(optional, with_default, input=OBJECT)) == []


def test_a_cascading_step_stays_required_and_depends_on_asks_for_nothing() -> None:
    cascading = step("a", options={"if_": CONDITION, "when_unmet": "skip-cascade"})
    assert codes(flow(cascading, step("b", param("a", STR)), input=OBJECT)) == []
    skipping = step("a", options={"if_": CONDITION})
    assert codes(flow(skipping, step("b", depends_on=("a",)), input=OBJECT)) == []


def test_a_key_of_input_must_be_not_required() -> None:
    types = Types()
    strict, loose = types.record("Strict", a=STR), types.record("Loose", Field("a", STR, required=False))
    optional = step("a", options={"when_exhausted": "skip"})
    (found,) = judge(flow(optional, step("b", param("input", strict))), types=types)
    assert (found.code, found.help) == ("PGF309", "declare the key as NotRequired[str]")
    assert codes(flow(optional, step("b", param("input", loose))), types=types) == []


def test_a_map_over_a_step_that_may_be_skipped_is_fine() -> None:
    optional = step("a", returns=list_of(STR), options={"when_exhausted": "skip"})
    assert codes(flow(optional, step("m", element("item", STR), kind="map", array="a"))) == []


def rooted(pattern: Json, input: TypeExpr, types: Types | None = None) -> list[str]:
    """The messages about a root step's condition."""
    found = judge(flow(step("a", options={"if_": pattern}), input=input), types=types)
    assert {item.code for item in found} <= {"PGF310"}
    return [item.message.removeprefix("if_ of step 'a': ") for item in found]


def test_patterns_over_the_flows_input() -> None:
    types = Types()
    item = types.record("Item", sku=STR, count=INT)
    order = types.record(
        "Order",
        items=list_of(item),
        kind=literal("gift", "plain"),
        weight=union(FLOAT, NONE),
        first=item,
        labels=dict_of(INT),
        extra=JSON,
        anything=ANY,
    )
    fitting: list[Json] = [
        {},
        {"kind": "gift", "weight": 2},
        {"weight": None},
        {"items": [{"sku": "a"}]},
        {"items": []},
        {"first": {"count": 1}},
        {"first": {"count": 1.0}},
        {"labels": {"x": 1}},
        {"extra": {"deep": [1, None]}, "anything": 5},
    ]
    for pattern in fitting:
        assert rooted(pattern, order, types) == [], pattern
    assert rooted({"kin": "gift"}, order, types) == ["there is no key 'kin'"]
    assert rooted({"kind": "gilt"}, order, types) == ["at ['kind']: 'gilt' is no Literal['gift', 'plain']"]
    assert rooted({"weight": "x"}, order, types) == ["at ['weight']: 'x' is none of float | None"]
    assert rooted({"first": {"count": True}}, order, types) == ["at ['first']['count']: True is no int"]
    assert rooted({"first": {"count": 1.5}}, order, types) == ["at ['first']['count']: 1.5 is no int"]
    assert rooted({"items": [{"size": 1}]}, order, types) == ["at ['items'][...]: there is no key 'size'"]
    assert rooted({"items": {"sku": "a"}}, order, types) == ["at ['items']: {'sku': 'a'} is no list[Item]"]
    assert rooted({"labels": {"x": "y"}}, order, types) == ["at ['labels']['x']: 'y' is no int"]
    assert len(rooted({"a": 1, "b": 2}, order, types)) == 2


def test_a_pattern_is_an_object_and_so_is_what_it_is_matched_against() -> None:
    assert rooted(["x"], OBJECT) == ["the pattern must be a JSON object, not 'x'"]
    assert rooted([], OBJECT) == ["the list holds no pattern"]
    assert rooted(None, OBJECT) == ["the pattern must be a JSON object, not None"]
    assert rooted({"a": "b"}, list_of(STR)) == [
        "the flow's input is list[str], not an object, so no pattern can match it"
    ]
    assert rooted({"a": "b"}, NONE) == ["the flow takes no input, so no pattern can match it"]
    assert rooted({"a": "b"}, union(OBJECT, NONE)) == []
    assert rooted({"a": 1}, union(OBJECT, NONE)) == ["at ['a']: 1 is no str"]


def test_a_dependents_pattern_is_over_its_dependencies_by_slug() -> None:
    source = step("a", returns=INT)

    def messages(pattern: Json) -> list[str]:
        dependent = step("b", param("a", INT), options={"if_not": pattern})
        return [f"{item.code} {item.message}" for item in judge(flow(source, dependent))]

    assert messages({"a": 1}) == []
    assert messages({"a": "x"}) == ["PGF310 if_not of step 'b': at ['a']: 'x' is no int"]
    assert messages({"b": 1}) == ["PGF310 if_not of step 'b': there is no key 'b'"]


def test_when_unmet_needs_a_condition() -> None:
    assert codes(flow(step("a", options={"when_unmet": "skip"}), input=OBJECT)) == ["PGF311"]
    assert codes(flow(step("a", options={"when_unmet": "skip", "if_": CONDITION}), input=OBJECT)) == []


def test_input_beside_a_parameter_that_names_a_step() -> None:
    types = Types()
    keys = types.record("Keys", a=STR)
    both = step("c", param("input", keys), param("b", STR))
    (found,) = judge(flow(step("a"), step("b"), both), types=types)
    assert found.code == "PGF312"
    assert found.span.line == 32


def test_depends_on_beside_input_names_keys_of_it() -> None:
    types = Types()
    keys = types.record("Keys", a=STR)
    assert codes(flow(step("a"), step("c", param("input", keys), depends_on=("a",))), types=types) == []
    (found,) = judge(
        flow(step("a"), step("b"), step("c", param("input", keys), depends_on=("b",))), types=types
    )
    assert (found.code, found.span.line, found.span.column) == ("PGF312", 30, 30)
