"""From what is on the wire to what a handler is promised: objects to classes, values to members of enums.

A schema is compiled once into functions; what stays as it is has none. Values for classes have passed their
schema; what callers read need not have, and stays as it is where it does not fit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pgflow_runtime.contract import failed_values
from pgflow_runtime.contract.classes import class_of, enum_of
from pgflow_runtime.contract.python_types import generic_class
from pgflow_runtime.contract.scalars import decoder
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


class Decoders(Converters):
    """Functions for the schemas of one contract; ``definitions`` are what "#/$defs/..." names.

    Without classes only texts and failures become what they stand for, as callers read them that have no
    classes.
    """

    def __init__(self, definitions: Mapping[str, Any], *, with_classes: bool) -> None:
        self._with_classes = with_classes
        kinds = None if with_classes else frozenset({*SCALARS, *COLLECTIONS, NAMED_TUPLE, FAILED})
        super().__init__(Definitions(definitions, kinds))

    def _make(self, schema: Schema) -> Convert:
        if "anyOf" in schema:
            return self._union(list(self._definitions.members(schema)))
        kind = kind_of(schema)
        if kind in SCALARS:
            return decoder(kind)
        if kind == FAILED:
            return failed_values.decoder()
        if kind is not None and kind in COLLECTIONS:
            return self._collection(schema, COLLECTIONS[kind])
        if kind == NAMED_TUPLE:
            return self._named_tuple(schema)
        if kind == "enum":
            return enum_of(schema)
        if kind is not None and self._with_classes:
            return self._class(schema)
        if schema.get("type") == "array":
            return _list(self.of(schema["items"]))
        return self._object(schema)

    def _collection(self, schema: Schema, make: Callable[[Iterable[Any]], Any]) -> Convert:
        parts = [self.of(part) for part in schema.get("prefixItems", ())]
        rest = self.of(schema["items"]) if "items" in schema else None
        alike = _as_it_is if rest is None else _list(rest)
        whole = _each(parts) if any(parts) else alike
        return lambda value: make(whole(value)) if isinstance(value, list) else value

    def _named_tuple(self, schema: Schema) -> Convert:
        if not self._with_classes:
            return self._collection(schema, tuple)
        class_ = class_of(schema)
        return self._collection(schema, lambda items: class_(*items))

    def _fields(self, schema: Schema) -> dict[str, Convert]:
        found = {key: self.of(part) for key, part in schema.get("properties", {}).items()}
        return {key: decode for key, decode in found.items() if decode is not None}

    def _class(self, schema: Schema) -> Convert:
        class_, fields = generic_class(schema, self._definitions), self._fields(schema)
        known = frozenset(schema["properties"])
        # Constructors take fields by their keys, but for msgspec's.
        names = schema[MARK].get("attributes", {}) if kind_of(schema) == "msgspec" else {}

        def make(value: dict[str, Any]) -> Any:
            given = value if known.issuperset(value) else {key: value[key] for key in value if key in known}
            if fields:
                given = _with(given, fields)
            if names:
                given = {names.get(key, key): item for key, item in given.items()}
            try:
                return class_(**given)
            except Exception as error:
                raise Unconvertible(f"is refused by {class_.__name__}: {_words(error)}") from error

        return make

    def _object(self, schema: Schema) -> Convert:
        fields, rest = self._fields(schema), schema.get("additionalProperties")
        others = self.of(rest) if isinstance(rest, dict) else None
        known = schema.get("properties", {})
        defaults = {key: part["default"] for key, part in known.items() if "default" in part}
        if not self._with_classes:
            defaults = {}

        def make(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            if not defaults.keys() <= value.keys():
                missing = {key: copy.deepcopy(defaults[key]) for key in defaults if key not in value}
                value = {**value, **missing}
            if others is None:
                return _with(value, fields)
            own = {key: fields.get(key) if key in known else others for key in value}
            return _with(value, {key: decode for key, decode in own.items() if decode is not None})

        return make

    def _union(self, members: list[Schema]) -> Convert:
        failed = next((self.of(member) for member in members if kind_of(member) == FAILED), None)
        objects = [member for member in members if is_object(member) and kind_of(member) != FAILED]
        by_object = {id(member): self.of(member) for member in objects}
        by_list = next((self.of(member) for member in members if member.get("type") == "array"), None)
        enums = [(member["enum"], self.of(member)) for member in members if kind_of(member) == "enum"]
        texts = next((self.of(member) for member in members if kind_of(member) in SCALARS), None)

        def make(value: Any) -> Any:
            decode: Convert | None
            if failed is not None and failed_values.is_failed(value):
                decode = failed
            elif isinstance(value, dict):
                member = objects[0] if len(objects) == 1 else choose(objects, value)
                if member is None:
                    raise Unconvertible("does not say which of the alternatives it is: give it its tag")
                decode = by_object[id(member)]
            elif isinstance(value, list):
                decode = by_list
            else:
                decode = next((each for values, each in enums if _is_among(value, values)), None)
                if decode is None and isinstance(value, str):
                    decode = texts
            return value if decode is None else decode(value)

        return make


def _as_it_is(value: Any) -> Any:
    return value


def _each(parts: list[Convert | None]) -> Convert:
    """Of a list whose items have each a type of their own."""

    def make(value: list[Any]) -> list[Any]:
        found = list(value)
        for index, decode in enumerate(parts[: len(found)]):
            if decode is not None:
                try:
                    found[index] = decode(found[index])
                except Unconvertible as refused:
                    raise refused.at(index) from refused.__cause__
        return found

    return make


def _list(decode: Convert | None) -> Convert:
    assert decode is not None

    def make(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        try:
            return [decode(item) for item in value]
        except Unconvertible:
            raise _located(decode, enumerate(value)) from None

    return make


def _with(value: Mapping[str, Any], fields: Mapping[str, Convert]) -> dict[str, Any]:
    """A copy with some keys' values decoded."""
    found = dict(value)
    key = ""
    try:
        for key, decode in fields.items():
            if key in found:
                found[key] = decode(found[key])
    except Unconvertible as refused:
        raise refused.at(key) from refused.__cause__
    return found


def _located(decode: Convert, items: Iterable[tuple[int, Any]]) -> Unconvertible:
    """The refusal again, with the index of the item it is about."""
    for index, item in items:
        try:
            decode(item)
        except Unconvertible as refused:
            return refused.at(index)
    return Unconvertible("was refused once, and not again")


def _is_among(value: object, values: Iterable[object]) -> bool:
    """1 is not True here."""
    return any(type(item) is type(value) and item == value for item in values)


def _words(error: Exception) -> str:
    """What a constructor said; pydantic's many lines in one."""
    details: Callable[..., Iterable[Mapping[str, Any]]] | None = getattr(error, "errors", None)
    if details is not None and type(error).__module__.startswith("pydantic"):
        return "; ".join(map(_detail, details(include_url=False)))
    return str(error) or type(error).__name__


def _detail(detail: Mapping[str, Any]) -> str:
    place = ".".join(map(str, detail["loc"]))
    return f"{place}: {detail['msg']}" if place else str(detail["msg"])
