"""Members of a union that a reader of JSON cannot tell apart, where it matters which one a value is of.

Of lists, objects and texts that arrive as they are nobody needs to know the member; a class, or an enum, is
made of what arrives, so it must be certain of which: by the JSON type, by a Literal tag, or by a required key
that the other has not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from pgflow_gen.analyze.types.faults import TypeFault, not_json
from pgflow_gen.ir.converted import is_converted
from pgflow_gen.ir.types import (
    AliasRef,
    AnyType,
    BoundedType,
    ClassRef,
    CollectionType,
    DictType,
    EnumType,
    JsonType,
    ListType,
    LiteralType,
    NewTypeRef,
    Primitive,
    Record,
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeTable,
    UnionType,
    children,
)

_JSON_TYPES = {"str": "string", "int": "number", "float": "number", "bool": "boolean", "None": "null"}
_ALL = frozenset({*_JSON_TYPES.values(), "array", "object"})


def indistinct(type_: TypeExpr, types: TypeTable) -> TypeFault | None:
    """What is wrong with the first union inside ``type_`` whose members cannot be told apart."""
    waiting, seen = [type_], set[TypeExpr]()
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.add(item)
        if isinstance(item, UnionType):
            members = list(_members(item, types, frozenset()))
            for left, right in combinations(members, 2):
                if _are_alike(left, right, types):
                    return _fault(item, left, right)
        if isinstance(item, AliasRef) and item.key in types.aliases:
            waiting.append(types.aliases[item.key].target)
        if not isinstance(item, RecordRef | ClassRef):
            waiting += children(item)
    return None


def _members(type_: TypeExpr, types: TypeTable, seen: frozenset[TypeExpr]) -> Iterator[TypeExpr]:
    match type_:
        case _ if type_ in seen:
            return
        case UnionType(members=members):
            for member in members:
                yield from _members(member, types, seen | {type_})
        case NewTypeRef(base=base) | BoundedType(base=base):
            yield from _members(base, types, seen)
        case AliasRef(key=key) if key in types.aliases:
            yield from _members(types.aliases[key].target, types, seen | {type_})
        case _:
            yield type_


def _are_alike(left: TypeExpr, right: TypeExpr, types: TypeTable) -> bool:
    if not (is_converted(left, types) or is_converted(right, types)):
        return False
    left, right = _on_the_wire(left, types), _on_the_wire(right, types)
    if not _kinds(left) & _kinds(right):
        return False
    if isinstance(left, RecordRef | ClassRef) and isinstance(right, RecordRef | ClassRef):
        one, other = types.records.get(left.key), types.records.get(right.key)
        return one is not None and other is not None and not _differ(one, other)
    return True


def _on_the_wire(type_: TypeExpr, types: TypeTable) -> TypeExpr:
    """A named tuple is a list."""
    record = types.records.get(type_.key) if isinstance(type_, ClassRef) else None
    return type_ if record is None else record.row or type_


def _differ(one: Record, other: Record) -> bool:
    """By a tag, or by a key that one requires and the other does not know."""
    for field in one.fields:
        same = other.get(field.key)
        if same is None:
            if field.required:
                return True
        elif _are_tags(field.type, same.type):
            return True
    return any(field.required and one.get(field.key) is None for field in other.fields)


def _are_tags(one: TypeExpr, other: TypeExpr) -> bool:
    """Constants, or members of enums, of which no value of the one is one of the other."""
    if not isinstance(one, LiteralType | EnumType) or not isinstance(other, LiteralType | EnumType):
        return False
    return not set(map(repr, one.values)) & set(map(repr, other.values))


def _kinds(type_: TypeExpr) -> frozenset[str]:
    """The JSON types of its values."""
    match type_:
        case Primitive(name=name):
            return frozenset({_JSON_TYPES[name]})
        case LiteralType(values=values) | EnumType(values=values):
            names = ("None" if value is None else type(value).__name__ for value in values)
            return frozenset(_JSON_TYPES[name] for name in names)
        case ScalarType():
            return frozenset({"string"})
        case ListType() | TupleType() | CollectionType():
            return frozenset({"array"})
        case DictType() | RecordRef() | ClassRef():
            return frozenset({"object"})
        case JsonType() | AnyType():
            return _ALL
        case _:
            return frozenset()


def _fault(union: UnionType, left: TypeExpr, right: TypeExpr) -> TypeFault:
    if isinstance(left, RecordRef | ClassRef) and isinstance(right, RecordRef | ClassRef):
        help = (
            f"give {left} and {right} a field of one name with different Literals, such as kind:"
            f' Literal["{str(left).lower()}"]'
        )
    else:
        help = "give each a class of its own with a Literal tag, or allow only one of them"
    return not_json(f"{left} and {right} cannot be told apart in JSON, in {union}", help)
