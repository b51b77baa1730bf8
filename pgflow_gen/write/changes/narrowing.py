"""Which values that fit one schema another one refuses: schemas of contracts, before and after a change.

Silent where it is not certain. Codes: 405 a key is required, 406 another type, 407 within bounds, 408 no
other keys, 409 fewer alternatives of an enum or a Literal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from pgflow_gen.light_dataclass import dataclass

Schema: TypeAlias = Mapping[str, Any]

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Values of the old type that the new one refuses; ``path`` leads to them: ``.lines[].sku``."""

    code: str
    path: str
    words: str


class Comparison:
    """Of two contracts; each with its own definitions."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._assumed: set[tuple[str, str]] = set()

    def narrowings(self, old: Schema, new: Schema, path: str = "") -> list[Narrowing]:
        """All that is certain of what fits ``old`` and not ``new``."""
        names = str(old.get("$ref", "")), str(new.get("$ref", ""))
        if all(names):
            # What is met again while it is compared holds as far as it is concerned.
            if names in self._assumed:
                return []
            self._assumed.add(names)
        before, after = _members(old, self._old), _members(new, self._new)
        if any(not _constraints(member) for member in after):
            return []
        return [
            found
            for member in before
            for found in self._nearest(member, after, path)
            if not _says_nothing(found, path)
        ]

    def _nearest(self, old: Schema, after: Sequence[Schema], path: str) -> list[Narrowing]:
        """Nothing if some alternative takes all; else what is wrong with the one of the same form."""
        if not _constraints(old):
            return [Narrowing("PGF406", path, f"was any JSON and is {_shown(after)} now")]
        if "enum" in old or "const" in old:
            return self._values(old, after, path)
        kind = _form(old)
        alike = [member for member in after if kind in _forms(member)]
        if not alike:
            return [Narrowing("PGF406", path, f"was {_shown([old])} and is {_shown(after)} now")]
        tried = [list(self._one(old, member, path)) for member in alike]
        return min(tried, key=len)

    def _values(self, old: Schema, after: Sequence[Schema], path: str) -> list[Narrowing]:
        gone = [value for value in _values(old) if not any(_takes(member, value) for member in after)]
        if not gone:
            return []
        shown = ", ".join(map(repr, gone))
        if any("enum" in member or "const" in member for member in after):
            return [Narrowing("PGF409", path, f"may not be {shown} any more")]
        return [Narrowing("PGF406", path, f"was {_shown([old])} and is {_shown(after)} now")]

    def _one(self, old: Schema, new: Schema, path: str) -> Iterator[Narrowing]:
        if (
            not _fits_a_row(old, new)
            or "enum" in new
            or "const" in new
            or _scalar(new) not in (None, _scalar(old))
        ):
            yield Narrowing("PGF406", path, f"was {_shown([old])} and is {_shown([new])} now")
            return
        yield from _bounds(old, new, path)
        if old.get("type") == "array":
            yield from self._items(old, new, path)
        if old.get("type") == "object":
            yield from self._object(old, new, path)

    def _items(self, old: Schema, new: Schema, path: str) -> Iterator[Narrowing]:
        before, after = old.get("prefixItems"), new.get("prefixItems")
        for at, item in enumerate(before if before is not None else [old.get("items", {})]):
            wanted = after[at] if after is not None else new.get("items", {})
            yield from self.narrowings(item, wanted, f"{path}[{at if before is not None else ''}]")

    def _object(self, old: Schema, new: Schema, path: str) -> Iterator[Narrowing]:
        before, after = old.get("properties", {}), new.get("properties", {})
        others, rest = old.get("additionalProperties"), new.get("additionalProperties")
        for key in sorted({*new.get("required", ())} - {*old.get("required", ())}):
            yield Narrowing("PGF405", f"{path}.{key}", "is required now")
        for key, part in before.items():
            if key in after:
                yield from self.narrowings(part, after[key], f"{path}.{key}")
            elif rest is False:
                yield Narrowing("PGF408", f"{path}.{key}", "is a key that is refused now")
            elif isinstance(rest, Mapping):
                yield from self.narrowings(part, rest, f"{path}.{key}")
        if rest is False and others is not False and before.keys() <= after.keys():
            yield Narrowing("PGF408", path, "takes no other keys than its own now")
        elif isinstance(rest, Mapping) and isinstance(others, Mapping):
            yield from self.narrowings(others, rest, f"{path}[]")


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[Narrowing]:
    for word in (*_LEAST, *_MOST):
        if word not in new or (word.endswith("Items") and "prefixItems" in new and word == "maxItems"):
            continue
        had = old.get(word)
        is_tighter = had is None or (new[word] > had if word in _LEAST else new[word] < had)
        if is_tighter:
            yield Narrowing("PGF407", path, f"is held to {word} {new[word]} now")
    if new.get("uniqueItems") and not old.get("uniqueItems"):
        yield Narrowing("PGF407", path, "may hold nothing twice now")
    for word in ("pattern", "multipleOf"):
        if word in new and _scalar(new) is None and new[word] != old.get(word):
            yield Narrowing("PGF407", path, f"is held to {word} {new[word]} now")


def _fits_a_row(old: Schema, new: Schema) -> bool:
    """Whether a list is as short as a tuple must be."""
    before, after = old.get("prefixItems"), new.get("prefixItems")
    return after is None or (before is not None and len(before) <= len(after))


def _says_nothing(found: Narrowing, path: str) -> bool:
    """A list of at least nothing is any list."""
    return found.path == path and found.words.endswith((" minItems 0 now", " minLength 0 now"))


def _members(schema: Schema, contract: Schema) -> list[Schema]:
    """The alternatives of a union, references followed."""
    waiting, found, seen = [schema], list[Schema](), set[str]()
    while waiting:
        item = waiting.pop()
        name = item.get("$ref")
        if name is not None:
            if name not in seen:
                seen.add(name)
                waiting.append(contract["$defs"][unquote(str(name).rpartition("/")[2])])
        elif "anyOf" in item:
            waiting += reversed(item["anyOf"])
        else:
            found.append(item)
    return found


def _constraints(schema: Schema) -> bool:
    return any(word in schema for word in ("type", "enum", "const"))


def _scalar(schema: Schema) -> str | None:
    """The kind of a text that stands for something."""
    kind = schema.get("x-pgflow", {}).get("kind")
    return kind if schema.get("type") == "string" and isinstance(kind, str) else None


def _form(schema: Schema) -> str:
    return str(schema["type"])


def _forms(schema: Schema) -> set[str]:
    if "enum" in schema or "const" in schema:
        return {_JSON_TYPES[type(value)] for value in _values(schema)}
    form = _form(schema)
    return {"number", "integer"} if form == "number" else {form}


def _values(schema: Schema) -> list[Any]:
    return list(schema["enum"]) if "enum" in schema else [schema["const"]]


def _takes(schema: Schema, value: Any) -> bool:
    if "enum" in schema or "const" in schema:
        return any(type(item) is type(value) and item == value for item in _values(schema))
    return _scalar(schema) is None and _JSON_TYPES[type(value)] in _forms(schema)


def _shown(members: Sequence[Schema]) -> str:
    return " or ".join(dict.fromkeys(map(_name, members)))


def _name(schema: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in _values(schema))
    kind = schema.get("x-pgflow", {}).get("kind")
    return str(
        _scalar(schema)
        or (kind if schema.get("type") == "array" and kind else None)
        or schema.get("type", "JSON")
    )
