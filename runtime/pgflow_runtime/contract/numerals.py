"""Numbers as their types say: what JSON and PostgreSQL made of a float or an int becomes one again.

jsonb keeps the value of a number and not its kind: the float 1e300 comes back as an integer of 301 digits,
and an integer may have been stored as 1.0. A schema says which is meant: "number" is delivered as a float,
"integer" as an int. Where both may stand, or a type says nothing, numbers stay as they are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from pgflow_runtime.contract.boundary import decode, encode

_REF = "#/$defs/"


class Numerals:
    """What a schema says about numbers, compiled; ``definitions`` are what "#/$defs/..." names."""

    def __init__(self, schema: Any, definitions: Mapping[str, Any]) -> None:
        self._schema = schema  # nodes are known by the identity of what they were made of
        self._definitions = definitions
        self._nodes: dict[int, _Node] = {}
        self._root = self._node(schema)
        _prune(self._nodes.values())
        self.says_nothing = not self._root.matters
        self._only_int = not any(node.is_float for node in self._nodes.values())

    def fit(self, value: Any, text: str | None = None) -> Any:
        """The value with its numbers as typed. Its lists and objects are changed in place; what does not fit
        the schema stays as it is.

        Args:
            text: the JSON text the value was read from, if at hand: it may say that nothing is to do.

        Raises:
            OverflowError: an integer is too large for a float.
        """
        if self.says_nothing or (self._only_int and text is not None and "." not in text):
            return value
        holder = [value]
        pending: list[tuple[Any, Any, _Node]] = [(holder, 0, self._root)]
        while pending:
            place, key, node = pending.pop()
            found = place[key]
            kind = type(found)
            if kind is int:
                if node.is_float:
                    place[key] = float(found)
            elif kind is float:
                if node.is_int and found.is_integer():
                    place[key] = int(found)
            elif kind is list or kind is dict:
                branch = self._branch(node, found)
                if branch is not None:
                    pending += branch.inner(found)
        return holder[0]

    def _branch(self, node: _Node, value: Any) -> _UnionMember | None:
        """The member of a union that a list or an object is of; None: nothing is to do, or is certain."""
        found = [branch for branch in node.branches if branch.may_be(value)]
        if len(found) > 1 and any(branch.matters for branch in found):
            found = [branch for branch in found if branch.is_valid(value, self._definitions)]
        if len(found) > 1:
            text = encode(value)
            copies = [decode(text) for _ in found]
            for branch, copy in zip(found, copies, strict=True):
                self._fit_copy(branch, copy)
            found = found[:1] if len({repr(copy) for copy in copies}) == 1 else []
        return found[0] if found and found[0].matters else None

    def _fit_copy(self, branch: _UnionMember, value: Any) -> None:
        """``fit`` within a value of which another member of the union is tried."""
        alone = object.__new__(Numerals)
        alone.__dict__.update(self.__dict__, says_nothing=False, _only_int=False, _root=_Node([branch]))
        alone.fit(value)

    def _node(self, schema: Any) -> _Node:
        """The node of a schema; made once, as schemas may be recursive."""
        key = id(schema)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node([])
            numbers: set[str] = set()
            for member in self._members(schema, set()):
                numbers |= _numbers(member)
                if member.get("type") == "array" and "prefixItems" in member:
                    parts = enumerate(member["prefixItems"])
                    node.branches.append(
                        _UnionMember(member, list, fields={at: self._node(part) for at, part in parts})
                    )
                elif member.get("type") == "array" and "items" in member:
                    node.branches.append(_UnionMember(member, list, items=self._node(member["items"])))
                elif member.get("type") == "object":
                    rest = member.get("additionalProperties")
                    node.branches.append(
                        _UnionMember(
                            member,
                            dict,
                            items=self._node(rest) if isinstance(rest, dict) else None,
                            fields={
                                name: self._node(part) for name, part in member.get("properties", {}).items()
                            },
                        )
                    )
                elif not member:
                    node.branches += [_UnionMember(member, list), _UnionMember(member, dict)]
                    numbers |= {"number", "integer"}
            node.is_float = numbers == {"number"}
            node.is_int = numbers == {"integer"}
        return node

    def _members(self, schema: Any, seen: set[str]) -> Iterable[Mapping[str, Any]]:
        """The members of a union, references followed; a schema that is none is its only member."""
        if not isinstance(schema, dict):
            return
        ref = schema.get("$ref")
        if ref is not None:
            if ref not in seen:
                name = unquote(str(ref).removeprefix(_REF))
                yield from self._members(self._definitions.get(name), {*seen, ref})
            return
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                for part in schema[keyword]:
                    yield from self._members(part, seen)
                return
        yield schema


class _Node:
    """What may stand at one place."""

    __slots__ = ("branches", "is_float", "is_int", "matters")

    def __init__(self, branches: list[_UnionMember]) -> None:
        self.branches = branches
        self.is_float = False
        self.is_int = False
        self.matters = False


class _UnionMember:
    """One kind of list or object that may stand at a place."""

    __slots__ = ("_validator", "fields", "items", "kind", "schema")

    def __init__(
        self,
        schema: Mapping[str, Any],
        kind: Any,
        items: _Node | None = None,
        fields: Mapping[Any, _Node] | None = None,
    ) -> None:
        self.schema = schema
        self.kind = kind
        self.items = items
        self.fields = dict(fields or {})
        self._validator: jsonschema_rs.Draft202012Validator | None = None

    @property
    def matters(self) -> bool:
        return bool(self.fields) or self.items is not None

    def may_be(self, value: Any) -> bool:
        """Told from the outside: its kind, the keys it must have, and the tags among them."""
        if type(value) is not self.kind:
            return False
        if self.kind is list:
            return True
        if not all(key in value for key in self.schema.get("required", ())):
            return False
        tags = self.schema.get("properties", {})
        return not any(
            key in tags and "const" in tags[key] and tags[key]["const"] != found
            for key, found in value.items()
        )

    def is_valid(self, value: Any, definitions: Mapping[str, Any]) -> bool:
        if self._validator is None:
            self._validator = jsonschema_rs.Draft202012Validator({**self.schema, "$defs": dict(definitions)})
        return self._validator.is_valid(value)

    def inner(self, value: Any) -> list[tuple[Any, Any, _Node]]:
        """The places within that are to be looked at."""
        if self.kind is list and self.fields:
            return [(value, at, node) for at, node in self.fields.items() if at < len(value)]
        if self.kind is list:
            items = self.items
            if items is None or (not items.branches and not _has_wrong(items, value)):
                return []
            return [(value, index, items) for index in range(len(value))]
        places = [(value, key, node) for key, node in self.fields.items() if key in value]
        if self.items is not None:
            places += [
                (value, key, self.items) for key in value if key not in self.schema.get("properties", ())
            ]
        return places


def _has_wrong(node: _Node, values: list[Any]) -> bool:
    """Whether a list of numbers holds one of the wrong kind, told quickly."""
    kinds = set(map(type, values))
    return (node.is_float and int in kinds) or (node.is_int and float in kinds)


def _numbers(schema: Mapping[str, Any]) -> set[str]:
    """``number`` and ``integer``, as far as a schema that is no union allows them."""
    if schema.get("type") in ("number", "integer"):
        return {schema["type"]}
    constants = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return {"integer"} if any(type(value) is int for value in constants) else set()


def _prune(nodes: Iterable[_Node]) -> None:
    """Mark what matters, however deep the numbers are, and forget the ways that lead to none."""
    found = list(nodes)
    for node in found:
        node.matters = node.is_float or node.is_int
    is_changed = True
    while is_changed:
        is_changed = False
        for node in found:
            if node.matters:
                continue
            inner = [part for branch in node.branches for part in (branch.items, *branch.fields.values())]
            if any(part is not None and part.matters for part in inner):
                node.matters = is_changed = True
    for node in found:
        for branch in node.branches:
            branch.fields = {name: part for name, part in branch.fields.items() if part.matters}
            if branch.items is not None and not branch.items.matters:
                branch.items = None
        if not any(branch.matters for branch in node.branches):
            node.branches = []
