"""From what a handler returns, or a caller sends, to what is sent: classes to objects, enums to values.

Whoever sends may also give what is on the wire: objects for classes (keys that are left out are filled in
with their defaults), values for members of enums. What is of neither form stays, for the schema to refuse.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import Enum
from typing import Any

from pgflow_runtime.contract import failed_values
from pgflow_runtime.contract.classes import is_of, place_of
from pgflow_runtime.contract.scalars import encoder
from pgflow_runtime.contract.typed_schema import (
    COLLECTIONS,
    FAILED,
    MARK,
    NAMED_TUPLE,
    Convert,
    Converters,
    Definitions,
    Schema,
    Unconvertible,
    choose,
    is_object,
    kind_of,
)
from pgflow_shared.scalars import SCALARS


class Encoders(Converters):
    """Functions for the schemas of one contract; ``definitions`` are what "#/$defs/..." names.

    They make JSON of values, and import no class for it.
    """

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        super().__init__(Definitions(definitions))

    def _make(self, schema: Schema) -> Convert:
        if "anyOf" in schema:
            return self._union(list(self._definitions.members(schema)))
        kind = kind_of(schema)
        if kind in SCALARS:
            return encoder(kind)
        if kind == FAILED:
            return _failed
        if kind in COLLECTIONS or kind == NAMED_TUPLE:
            return self._collection(schema, is_sorted=kind in ("set", "frozenset"))
        if kind == "enum":
            return _enum(schema)
        if kind is not None:
            return self._class(schema)
        if schema.get("type") == "array":
            return _list(self.of(schema["items"]))
        return self._object(schema)

    def _collection(self, schema: Schema, *, is_sorted: bool) -> Convert:
        parts = [self.of(part) for part in schema.get("prefixItems", ())]
        rest = self.of(schema["items"]) if "items" in schema else None
        defaults = [part.get("default") for part in schema.get("prefixItems", ())]
        least = schema.get("minItems", 0)

        def dump(value: Any) -> Any:
            if not isinstance(value, (list, tuple, set, frozenset)):
                return value
            found = []
            missing = defaults[len(value) :] if len(value) >= least else []
            for index, item in enumerate([*value, *copy.deepcopy(missing)] if missing else value):
                encode = parts[index] if index < len(parts) else rest
                try:
                    found.append(item if encode is None else encode(item))
                except Unconvertible as refused:
                    raise refused.at(index) from refused.__cause__
            return _ordered(found) if is_sorted else found

        return dump

    def _class(self, schema: Schema) -> Convert:
        place = place_of(schema)
        names = schema[MARK].get("attributes", {})
        attributes = [(key, names.get(key, key), self.of(part)) for key, part in schema["properties"].items()]
        from_object = self._object(schema)
        known: dict[type[Any], bool] = {}

        def dump(value: Any) -> Any:
            if isinstance(value, dict):
                return from_object(value)
            kind = type(value)
            if kind not in known:
                known[kind] = is_of(value, place)
            if not known[kind]:
                return value
            found: dict[str, Any] = {}
            for key, name, encode in attributes:
                try:
                    item = getattr(value, name)
                    found[key] = item if encode is None else encode(item)
                except AttributeError as error:
                    raise Unconvertible(f"is a {place[1]} without {key}: {error}") from error
                except Unconvertible as refused:
                    raise refused.at(key) from refused.__cause__
            return found

        return dump

    def _object(self, schema: Schema) -> Convert:
        known: Mapping[str, Schema] = schema.get("properties", {})
        fields = {key: self.of(part) for key, part in known.items()}
        defaults = {key: part["default"] for key, part in known.items() if "default" in part}
        rest = schema.get("additionalProperties")
        others = self.of(rest) if isinstance(rest, dict) else None

        def dump(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            found = dict(value)
            for key, default in defaults.items():
                if key not in found:
                    found[key] = copy.deepcopy(default)
            for key, item in found.items():
                encode = fields.get(key, others)
                if encode is not None:
                    try:
                        found[key] = encode(item)
                    except Unconvertible as refused:
                        raise refused.at(key) from refused.__cause__
            return found

        return dump

    def _union(self, members: list[Schema]) -> Convert:
        encoders = {id(member): self.of(member) for member in members}
        has_failed = any(kind_of(member) == FAILED for member in members)
        objects = [member for member in members if is_object(member) and kind_of(member) != FAILED]
        named = [
            (place_of(each), each)
            for each in members
            if kind_of(each) not in (None, FAILED, *SCALARS, *COLLECTIONS)
        ]
        texts = next((member for member in members if kind_of(member) in SCALARS), None)
        lists = next((member for member in members if member.get("type") == "array"), None)

        def dump(value: Any) -> Any:
            if has_failed and (failed_values.is_failed(value) or is_of(value, failed_values.PLACE)):
                return _failed(value)
            if isinstance(value, dict):
                member = objects[0] if len(objects) == 1 else choose(objects, value)
            elif isinstance(value, (list, tuple, set, frozenset)):
                member = lists
            else:
                member = next((each for place, each in named if is_of(value, place)), texts)
            encode = None if member is None else encoders[id(member)]
            return value if encode is None else encode(value)

        return dump


def _failed(value: Any) -> Any:
    return failed_values.dump(value) if is_of(value, failed_values.PLACE) else value


def _list(encode: Convert | None) -> Convert:
    assert encode is not None

    def dump(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        found = []
        for index, item in enumerate(value):
            try:
                found.append(encode(item))
            except Unconvertible as refused:
                raise refused.at(index) from refused.__cause__
        return found

    return dump


def _ordered(items: list[Any]) -> list[Any]:
    """The same set gives the same text."""
    try:
        return sorted(items)
    except TypeError:  # tuples of several kinds
        return sorted(items, key=repr)


def _enum(schema: Schema) -> Convert:
    place = place_of(schema)

    def dump(value: Any) -> Any:
        return value.value if isinstance(value, Enum) and is_of(value, place) else value

    return dump
