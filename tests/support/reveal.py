"""What mypy's ``reveal_type`` prints, read back into a tree and held against the compiler's types."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from pgflow_gen.ir.types import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    STR,
    AliasRef,
    DictType,
    JsonType,
    ListType,
    LiteralType,
    Primitive,
    RecordRef,
    TypeExpr,
    TypeTable,
    UnionType,
)


@dataclass(frozen=True)
class Named:
    """A class and its arguments; ``...`` is where a recursive type meets itself."""

    name: str
    args: tuple[Revealed, ...] = ()


@dataclass(frozen=True)
class Value:
    """One value of a Literal, as its type and itself: 1 is not True here."""

    kind: type
    value: str | int | bool | None


@dataclass(frozen=True)
class Key:
    name: str
    required: bool
    read_only: bool
    type: Revealed


@dataclass(frozen=True)
class Typed:
    """A TypedDict, by its full name."""

    name: str
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class Either:
    members: tuple[Revealed, ...]


Revealed: TypeAlias = "Named | Value | Typed | Either"
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\.\.\.|[\w.]+|-\d+|[\[\]{}(),:|?=]", re.DOTALL)
_DOTS = Named("...")
_CONSTANTS: dict[str, bool | None] = {"True": True, "False": False, "None": None}


def parse(text: str) -> Revealed:
    """The type in mypy's words. Raises ValueError for what no type of ours looks like."""
    parser = _Parser(_TOKEN.findall(text))
    found = parser.union()
    if parser.rest:
        raise ValueError(f"{parser.rest} is left of {text}")
    return found


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens[::-1]

    def union(self) -> Revealed:
        members = [self.one()]
        while self.has("|"):
            members.append(self.one())
        return members[0] if len(members) == 1 else Either(tuple(members))

    def one(self) -> Revealed:
        name = self.rest.pop()
        if name == "TypedDict":
            return self.typed()
        if name == "Literal":
            self.expect("[")
            value = self.value()
            self.expect("]")
            return Value(type(value), value)
        return Named(name.removeprefix("builtins."), tuple(self.args()))

    def args(self) -> Iterator[Revealed]:
        if self.has("["):
            yield self.union()
            while self.has(","):
                yield self.union()
            self.expect("]")

    def typed(self) -> Revealed:
        self.expect("(")
        name = self.rest.pop()
        self.expect(",")
        self.expect("{")
        keys: list[Key] = []
        while not self.has("}"):
            keys.append(self.key())
            self.has(",")
        self.expect(")")
        return Typed(name, tuple(keys))

    def key(self) -> Key:
        name = self.value()
        optional, read_only = self.has("?"), self.has("=")
        self.expect(":")
        return Key(str(name), not optional, read_only, self.union())

    def value(self) -> str | int | bool | None:
        token = self.rest.pop()
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        value = ast.literal_eval(token)
        assert isinstance(value, str | int)
        return value

    def has(self, token: str) -> bool:
        if self.rest and self.rest[-1] == token:
            self.rest.pop()
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.has(token):
            raise ValueError(f"{token} expected, not {self.rest[-1:]}")


def agree(found: Revealed, type_: TypeExpr, table: TypeTable) -> bool:
    """Whether mypy and the compiler mean one type; records are compared by name and key by key.

    What mypy prints as ``...`` is taken on trust: it is a type it is inside of already.
    """
    return _Comparison(table).agree(found, type_)


@dataclass
class _Comparison:
    table: TypeTable
    known: dict[tuple[int, TypeExpr], bool] = field(default_factory=dict)
    """By place in mypy's tree: members of unions are tried against each other many times."""

    def agree(self, found: Revealed, type_: TypeExpr) -> bool:
        place = (id(found), type_)
        if place not in self.known:
            self.known[place] = self.compare(found, type_)
        return self.known[place]

    def compare(self, found: Revealed, type_: TypeExpr) -> bool:
        revealed = found.members if isinstance(found, Either) else (found,)
        members = list(_members(type_, self.table))
        if _DOTS in revealed:
            # Dots may stand for several members, of which some are printed beside them.
            whole = [*members, *_members(type_, self.table, unroll=False)]
            return all(item == _DOTS or any(self.one(item, member) for member in whole) for item in revealed)
        return all(any(self.one(item, member) for item in revealed) for member in members) and all(
            any(self.one(item, member) for member in members) for item in revealed
        )

    def one(self, found: Revealed, type_: TypeExpr) -> bool:
        """Neither is a union."""
        match found, type_:
            case Value(), LiteralType(values=(known,)):
                return found == Value(type(known), known)
            case Named(name=name, args=()), Primitive(name=known_name):
                return name == known_name
            case Named(name="list" | "typing.Sequence" as name, args=(item,)), ListType():
                return type_.read_only == (name != "list") and self.agree(item, type_.item)
            case Named(name="dict" | "typing.Mapping" as name, args=(key, item)), DictType():
                wanted = type_.read_only == (name != "dict") and key == Named("str")
                return wanted and self.agree(item, type_.value)
            case Typed(), RecordRef():
                return self.same_record(found, type_)
            case _:
                return False

    def same_record(self, found: Typed, ref: RecordRef) -> bool:
        record = self.table.record(ref)
        if found.name != f"{ref.key.module}.{ref.key.name}" or len(found.keys) != len(record.fields):
            return False
        for key in found.keys:
            field = record.get(key.name)
            if field is None or (field.required, field.read_only) != (key.required, key.read_only):
                return False
            if not self.agree(key.type, field.type):
                return False
        return True


def _members(type_: TypeExpr, table: TypeTable, *, unroll: bool = True) -> Iterator[TypeExpr]:
    match type_:
        case UnionType(members=members):
            for member in members:
                yield from _members(member, table, unroll=unroll)
        case LiteralType(values=values):
            yield from (NONE if value is None else LiteralType((value,)) for value in values)
        case AliasRef() if unroll:
            yield from _members(table.alias(type_).target, table)
        case JsonType() if unroll:
            yield from (BOOL, INT, FLOAT, STR, ListType(type_), DictType(type_), NONE)
        case _:
            yield type_
