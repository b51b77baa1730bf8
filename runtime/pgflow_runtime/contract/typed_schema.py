"""What a contract says of values that are something else in Python than on the wire.

Such a schema bears the keyword ``x-pgflow`` with the kind of the value and, of classes and enums, where
they are defined; or it bears ``default``, for an object that lacks the key. Where no part of a schema does,
nothing is converted and nothing is paid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from pgflow_runtime.contract.failed_values import is_failed_schema

Schema: TypeAlias = Mapping[str, Any]
Convert: TypeAlias = Callable[[Any], Any]

MARK = "x-pgflow"
FAILED = "failed"
"""The kind of a failure that is a value, which is known by its schema."""
NAMED_TUPLE = "named_tuple"
"""The kind of a list that is of a class of its own."""
_REF = "#/$defs/"


COLLECTIONS: Mapping[str, Callable[[Iterable[Any]], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}
"""What lists may be in Python, by their kinds."""


class Unconvertible(Exception):
    """A value that its class does not take, or that is of none; ``path`` leads to it from the reader."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str | int] = []

    def at(self, part: str | int) -> Unconvertible:
        """The same, seen from one level further out."""
        self.path.insert(0, part)
        return self


def kind_of(schema: Schema) -> str | None:
    """The kind of value in Python; None where it is as on the wire."""
    mark = schema.get(MARK)
    if mark is None:
        return FAILED if is_failed_schema(schema) else None
    return str(mark["kind"])


class Definitions:
    """What "#/$defs/..." names, and what of it is converted."""

    def __init__(self, definitions: Mapping[str, Any], kinds: frozenset[str] | None = None) -> None:
        self._definitions = definitions
        self._kinds = kinds
        """The kinds that count as converted; None: all of them."""
        self._known: dict[str, bool] = {}

    def name(self, schema: Schema) -> str | None:
        """The definition that a schema refers to."""
        ref = schema.get("$ref")
        return None if ref is None else unquote(str(ref).removeprefix(_REF))

    def named(self, name: str) -> Schema:
        found: Schema = self._definitions[name]
        return found

    def is_converted(self, schema: Any) -> bool:
        """Whether a value of the schema may hold one that is converted."""
        waiting, seen = [schema], set[str]()
        while waiting:
            item = waiting.pop()
            if not isinstance(item, dict):
                continue
            kind = kind_of(item)
            if kind is not None and (self._kinds is None or kind in self._kinds):
                return True
            if self._kinds is None and any("default" in part for part in item.get("properties", {}).values()):
                return True
            name = self.name(item)
            if name is not None and name not in seen:
                known = self._known.get(name)
                if known:
                    return True
                seen.add(name)
                waiting.append({} if known is False else self.named(name))
            waiting += _parts(item)
        self._known.update(dict.fromkeys(seen, False))
        return False

    def members(self, schema: Schema) -> Iterator[Schema]:
        """The alternatives of a union, references followed; one that is none is its only member."""
        waiting, seen = [schema], set[str]()
        while waiting:
            item = waiting.pop()
            name = self.name(item)
            if name is not None:
                if name not in seen:
                    seen.add(name)
                    waiting.append(self.named(name))
            elif "anyOf" in item:
                waiting += reversed(item["anyOf"])
            else:
                yield item


class Converters:
    """Functions for the schemas of one contract, each made once; what they do is a subclass's."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._made: dict[int, tuple[Schema, Convert]] = {}
        """By the identity of what they were made of, which is kept so that it stays one."""

    def of(self, schema: Schema) -> Convert | None:
        """What converts a value of the schema; None: it stays as it is. Raises ProjectError for lost classes.

        The function raises Unconvertible for a value that a class does not take, or that lacks an attribute.
        """
        if not self._definitions.is_converted(schema):
            return None
        name = self._definitions.name(schema)
        return self._known(schema) if name is None else self.of(self._definitions.named(name))

    def _known(self, schema: Schema) -> Convert:
        """Made once, as schemas may hold themselves."""
        key = id(schema)
        if key not in self._made:

            def later(value: Any) -> Any:
                return self._made[key][1](value)

            self._made[key] = (schema, later)
            self._made[key] = (schema, self._make(schema))
        return self._made[key][1]

    def _make(self, schema: Schema) -> Convert:
        raise NotImplementedError


def _parts(schema: Schema) -> Iterator[Any]:
    yield from schema.get("properties", {}).values()
    for keyword in ("anyOf", "prefixItems"):
        yield from schema.get(keyword, ())
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield schema[keyword]


def is_object(schema: Schema) -> bool:
    return schema.get("type") == "object"


def choose(members: Sequence[Schema], value: Mapping[str, Any]) -> Schema | None:
    """The alternative that an object is of; None where that is not certain."""
    found = [member for member in members if _may_be(member, value)]
    if len(found) > 1:
        found = [member for member in found if _has_all(member, value)] or found
    return found[0] if len(found) == 1 else None


def _may_be(schema: Schema, value: Mapping[str, Any]) -> bool:
    """It has the keys that the schema requires, and none with another tag."""
    if not all(key in value for key in schema.get("required", ())):
        return False
    fields = schema.get("properties", {})
    return all(_is_tag(fields[key], item) for key, item in value.items() if key in fields)


def _is_tag(schema: Schema, value: object) -> bool:
    """Whether ``value`` is one of the constants that are allowed, if only constants are."""
    if "const" in schema:
        return bool(schema["const"] == value)
    return "enum" not in schema or getattr(value, "value", value) in schema["enum"]


def _has_all(schema: Schema, value: Mapping[str, Any]) -> bool:
    if "additionalProperties" in schema and schema["additionalProperties"] is not False:
        return True
    return all(key in schema.get("properties", ()) for key in value)
