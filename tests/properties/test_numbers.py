"""Any value of any type of numbers, through jsonb and back: the same value, of the same kinds."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from pgflow_runtime.contract.boundary import decode, encode
from pgflow_runtime.contract.numerals import Numerals

SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "number": st.floats(allow_nan=False, allow_infinity=False).map(lambda found: found + 0.0),  # no -0.0
    "integer": st.integers(),
    "string": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
    "boolean": st.booleans(),
    "null": st.none(),
}
KEYS = st.sampled_from("abcd")


@st.composite
def types(draw: st.DrawFn, depth: int = 3) -> tuple[Any, st.SearchStrategy[Any]]:
    """A schema as the compiler writes it, and values of its type."""
    kind = draw(st.sampled_from([*SCALARS, "number", "array", "object", "dict", "union", "tagged"]))
    if kind in SCALARS or depth == 0:
        name = kind if kind in SCALARS else "number"
        return {"type": name}, SCALARS[name]
    if kind == "union":
        other, values = draw(types(depth - 1))
        if "anyOf" in other or other.get("type") == "null":
            return other, values
        return {"anyOf": [other, {"type": "null"}]}, st.one_of(values, st.none())
    if kind == "object":
        fields = {key: draw(types(depth - 1)) for key in draw(st.sets(KEYS, max_size=3))}
        return _record({key: schema for key, (schema, _) in fields.items()}), st.fixed_dictionaries(
            {key: values for key, (_, values) in fields.items()}
        )
    item, values = draw(types(depth - 1))
    if kind == "array":
        return {"type": "array", "items": item}, st.lists(values, max_size=4)
    if kind == "dict":
        return {"type": "object", "additionalProperties": item}, st.dictionaries(KEYS, values, max_size=3)
    second, others = draw(types(depth - 1))
    members = [_record({"t": {"const": n}, "v": part}) for n, part in enumerate((item, second))]
    return {"anyOf": members}, st.one_of(
        st.fixed_dictionaries({"t": st.just(0), "v": values}),
        st.fixed_dictionaries({"t": st.just(1), "v": others}),
    )


def _record(fields: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields}
    return {**schema, "required": sorted(fields)} if fields else schema


def returned(db: psycopg.Connection[Any], value: Any) -> tuple[Any, str]:
    row = db.execute("select %s::jsonb::text", [encode(value)]).fetchone()
    assert row is not None
    return decode(row[0]), row[0]


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same kinds all the way down; jsonb orders keys its own way."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@given(st.data())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@seed(7)
def test_a_value_comes_back_as_its_type_says(db: psycopg.Connection[Any], data: st.DataObject) -> None:
    schema, values = data.draw(types())
    numerals = Numerals(schema, {})
    value = data.draw(values)
    for _ in range(2):
        read, text = returned(db, value)
        fitted = numerals.fit(read, text)
        assert same(fitted, value), (schema, value, fitted)
        value = fitted


TREE = {"anyOf": [{"type": "number"}, {"type": "array", "items": {"$ref": "#/$defs/Tree"}}]}


def test_a_recursive_type_however_deep() -> None:
    value: Any = 1
    for _ in range(490):
        value = [value, 2]
    found = Numerals({"$ref": "#/$defs/Tree"}, {"Tree": TREE}).fit(value)
    for _ in range(490):
        assert type(found[1]) is float
        found = found[0]
    assert type(found) is float


@pytest.mark.parametrize(
    ("schema", "value", "wanted"),
    [
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, [1, 1.0], [1, 1.0]),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, [1, "1", True], [1.0, "1", True]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, [1.0, None, 1.5], [1, None, 1.5]),
        ({"enum": [1, "a"]}, [1.0, "a"], [1, "a"]),
        ({"const": 2}, [2.0], [2]),
        ({}, [1, 1.0], [1, 1.0]),
        ({"anyOf": [{}, {"type": "number"}]}, [1], [1]),
        (
            {"anyOf": [_record({"v": {"type": "number"}}), _record({"v": {"type": "integer"}})]},
            [{"v": 1}, {"v": 1.5}], [{"v": 1}, {"v": 1.5}],
        ),
        (
            {"anyOf": [_record({"v": {"type": "number"}}), _record({"v": {"type": "number"}, "w": {}})]},
            [{"v": 1}, {"v": 1, "w": 2}], [{"v": 1.0}, {"v": 1.0, "w": 2}],
        ),
        (
            {"anyOf": [_record({"v": {"type": "number"}}), _record({"v": {"type": "string"}})]},
            [{"v": 1}, {"v": "1"}], [{"v": 1.0}, {"v": "1"}],
        ),
        (
            {"anyOf": [{"type": "array", "items": {"type": t}} for t in ("number", "string")]},
            [[1], ["a"], []], [[1.0], ["a"], []],
        ),
    ],
)  # fmt: skip
def test_unions(schema: Any, value: list[Any], wanted: list[Any]) -> None:
    numerals = Numerals({"type": "array", "items": schema}, {})
    assert repr(numerals.fit(value)) == repr(wanted)


def test_a_type_without_numbers_costs_nothing() -> None:
    schema = {
        "type": "array",
        "items": _record({"name": {"type": "string"}, "tags": {"type": "array", "items": {}}}),
    }
    assert Numerals(schema, {}).says_nothing


def test_an_integer_beyond_all_floats_is_refused() -> None:
    with pytest.raises(OverflowError):
        Numerals({"type": "number"}, {}).fit(10**400)
