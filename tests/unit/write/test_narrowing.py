"""Schemas before and after a change: what of it refuses what is stored."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest

from pgflow_gen.write.changes.narrowing import Comparison

INT: dict[str, Any] = {"type": "integer"}
STR: dict[str, Any] = {"type": "string"}
FLOAT: dict[str, Any] = {"type": "number"}
NULL: dict[str, Any] = {"type": "null"}
MOMENT = {**STR, "format": "date-time", "pattern": "...", "x-pgflow": {"kind": "datetime"}}
DAY = {**STR, "format": "date", "pattern": "..", "x-pgflow": {"kind": "date"}}
RED = {"enum": ["red", "blue"], "x-pgflow": {"kind": "enum", "module": "m", "name": "C"}}


def array(item: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, **more}


def row(*items: Any, least: int | None = None) -> dict[str, Any]:
    return {
        "type": "array",
        "prefixItems": list(items),
        "minItems": len(items) if least is None else least,
        "maxItems": len(items),
    }


def record(required: str = "", closed: bool = False, **keys: Any) -> dict[str, Any]:
    end = {"additionalProperties": False} if closed else {}
    return {
        "type": "object",
        "properties": keys,
        **({"required": required.split()} if required else {}),
        **end,
    }


def either(*members: Any) -> dict[str, Any]:
    return {"anyOf": list(members)}


def told(old: Any, new: Any, before: Any = None, after: Any = None) -> list[tuple[str, str]]:
    comparison = Comparison({"$defs": before or {}}, {"$defs": after or before or {}})
    return [(item.code, item.path) for item in comparison.narrowings(old, new)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (INT, INT), (INT, FLOAT), (INT, {}), ({}, {}), (DAY, STR), (INT, either(STR, INT)), (either(INT, NULL), either(NULL, STR, INT)),
        ({"const": "a"}, {"enum": ["a", "b"]}), ({"enum": ["a", "b"]}, STR), ({"const": 1}, FLOAT), (RED, STR), (RED, {"enum": ["blue", "green", "red"]}),
        ({**INT, "minimum": 3}, {**INT, "minimum": 1}), ({**INT, "minimum": 3}, INT), ({**STR, "pattern": "x"}, {**STR, "pattern": "x"}),
        (row(INT, STR), array(either(INT, STR))), (row(INT), row(FLOAT, STR, least=1)), (array(INT, uniqueItems=True), array(INT)),
        (record("a", a=INT), record(a=INT)), (record("a", a=INT), record("a", a=INT, b=STR)), (record("a", closed=True, a=INT), record("a", a=INT)),
        (record("a", a=INT, b=STR), record("a", a=INT)), (record("a", a=INT), {"type": "object", "additionalProperties": INT}),
        (MOMENT, MOMENT), ({"const": None}, NULL), (array(INT), array(INT, minItems=0)),
    ],
)  # fmt: skip
def test_whatever_was_stored_is_taken(old: Any, new: Any) -> None:
    assert told(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (record(a=INT), record("a", a=INT), [("PGF405", ".a")]),
        (record("a", a=INT), record("a b", a=INT, b=INT), [("PGF405", ".b")]),
        ({"type": "object", "additionalProperties": INT}, record("a", a=INT), [("PGF405", ".a")]),
        (FLOAT, INT, [("PGF406", "")]), (STR, MOMENT, [("PGF406", "")]), (MOMENT, DAY, [("PGF406", "")]), ({}, INT, [("PGF406", "")]),
        (STR, {"enum": ["a"]}, [("PGF406", "")]), (either(INT, NULL), INT, [("PGF406", "")]), (array(INT), row(INT, INT), [("PGF406", "")]),
        (row(INT, INT), row(INT), [("PGF406", "")]), (record(a=array(INT)), record(a=array(STR)), [("PGF406", ".a[]")]), (row(INT, STR), row(INT, INT), [("PGF406", "[1]")]),
        (INT, {**INT, "minimum": 0}, [("PGF407", "")]), ({**INT, "maximum": 5}, {**INT, "maximum": 4}, [("PGF407", "")]), (STR, {**STR, "pattern": "x"}, [("PGF407", "")]),
        (array(INT), array(INT, uniqueItems=True), [("PGF407", "")]), (record(a=array(STR)), record(a=array({**STR, "maxLength": 3})), [("PGF407", ".a[]")]),
        (record(a=INT), record(a=INT, closed=True), [("PGF408", "")]), (record(a=INT, b=INT), record(a=INT, closed=True), [("PGF408", ".b")]),
        (RED, {"enum": ["red"]}, [("PGF409", "")]), ({"enum": ["a", "b"]}, {"const": "a"}, [("PGF409", "")]), ({"enum": [1, "b"]}, either({"const": "b"}, NULL), [("PGF409", "")]),
        (either(INT, {"enum": ["a", "b"]}), either(INT, {"enum": ["a"]}), [("PGF409", "")]),
    ],
)  # fmt: skip
def test_what_is_refused_is_told(old: Any, new: Any, wanted: list[tuple[str, str]]) -> None:
    assert told(old, new) == wanted


def test_records_that_hold_themselves_are_compared_once() -> None:
    ref = {"$ref": "#/$defs/Node"}
    before = {"Node": record("name", name=STR, below=array(ref))}
    after = {"Node": record("name", name=INT, below=array(ref))}
    assert told(ref, ref, before, before) == []
    assert told(array(ref), array(ref), before, after) == [("PGF406", "[].name")]
