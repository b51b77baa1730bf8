"""The records a flow's client needs, and what each is called where it is declared again.

A record keeps its name; two different ones of one name get their module's as prefix, as does one that is
called like a name the module defines for the flow or a step. ``Box[int]`` becomes ``BoxInt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pgflow_gen.ir.types import (
    AliasRef,
    AnyType,
    BoundedType,
    ClassRef,
    CollectionType,
    DictType,
    EnumType,
    FailedType,
    JsonType,
    ListType,
    LiteralType,
    NewTypeRef,
    Primitive,
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeKey,
    TypeTable,
    UnionType,
    UnknownType,
    children,
)
from pgflow_gen.names import class_name

BUILTINS = frozenset(
    {"bool", "bytes", "dict", "float", "int", "frozenset", "list", "object", "set", "str", "tuple"}
)
"""What annotations in generated code say without importing it: nothing else may bear these names there."""


def reachable(roots: Iterable[TypeExpr], types: TypeTable) -> tuple[TypeKey, ...]:
    """Keys of all records and recursive aliases below ``roots``, in the order they are first met."""
    found: dict[TypeKey, None] = {}
    waiting = list(roots)[::-1]
    while waiting:
        type_ = waiting.pop()
        inside: list[TypeExpr] = []
        match type_:
            case (
                ListType()
                | DictType()
                | NewTypeRef()
                | BoundedType()
                | UnionType()
                | TupleType()
                | CollectionType()
            ):
                inside = list(children(type_))
            case RecordRef(key=key) | ClassRef(key=key) if key not in found:
                found[key] = None
                inside = [field.type for field in types.record(type_).fields]
            case AliasRef(key=key) if key not in found:
                found[key] = None
                inside = [types.alias(type_).target]
            case _:
                pass
        waiting.extend(reversed(inside))
    return tuple(found)


def record_names(keys: Iterable[TypeKey], reserved: Mapping[str, TypeKey | None]) -> Mapping[TypeKey, str]:
    """A name for each key. ``reserved`` maps names the module defines to the one record that may bear it."""
    wanted = list(keys)
    names = {key: flat_name(key) for key in wanted}
    for depth in range(1, 1 + max((key.module.count(".") + 1 for key in wanted), default=0)):
        clashing = _clashing(names, reserved)
        if not clashing:
            break
        for key in clashing:
            names[key] = _prefixed(key, depth)
    for key in sorted(_clashing(names, reserved), key=lambda key: (key.module, str(key))):
        names[key] = _numbered(names[key], {*names.values(), *reserved})
    return names


def optional_when_sent(roots: Iterable[TypeExpr], types: TypeTable) -> tuple[TypeKey, ...]:
    """Of the named types below ``roots`` those that may be sent with less than they are received with.

    A class with defaults is one, and whatever holds one.
    """
    keys = reachable(roots, types)
    found = {
        key
        for key in keys
        if key in types.records
        and types.records[key].kind != "typed_dict"
        and not all(field.required for field in types.records[key].fields)
    }
    is_changed = bool(found)
    while is_changed:
        above = {key for key in keys if key not in found and not found.isdisjoint(_named(key, types))}
        found |= above
        is_changed = bool(above)
    return tuple(key for key in keys if key in found)


def _named(key: TypeKey, types: TypeTable) -> Iterator[TypeKey]:
    """The records, classes and recursive aliases that a named type mentions itself."""
    record = types.records.get(key)
    waiting = [types.aliases[key].target] if record is None else [field.type for field in record.fields]
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, RecordRef | ClassRef | AliasRef):
            yield type_.key
        else:
            waiting += children(type_)


def given_names(
    keys: Iterable[TypeKey], records: Mapping[TypeKey, str], reserved: Iterable[str]
) -> Mapping[TypeKey, str]:
    """``OrderGiven`` for each of ``keys``, beside ``Order``."""
    taken, found = {*records.values(), *reserved}, dict[TypeKey, str]()
    for key in keys:
        name = f"{records[key]}Given"
        name = _numbered(name, taken) if name in taken else name
        taken.add(name)
        found[key] = name
    return found


def _clashing(names: Mapping[TypeKey, str], reserved: Mapping[str, TypeKey | None]) -> list[TypeKey]:
    bearers: dict[str, list[TypeKey]] = {}
    for key, name in names.items():
        bearers.setdefault(name, []).append(key)
    return [
        key
        for key, name in names.items()
        if len(bearers[name]) > 1 or name in BUILTINS or (name in reserved and reserved[name] != key)
    ]


def _prefixed(key: TypeKey, depth: int) -> str:
    parts = key.module.split(".")[-depth:]
    return "".join(map(class_name, parts)) + flat_name(key).lstrip("_")


def _numbered(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}{number}" in taken:
        number += 1
    return f"{name}{number}"


def flat_name(key: TypeKey) -> str:
    """``Box[list[int]]`` as ``BoxListInt``."""
    return key.name + "".join(map(_words, key.args))


def _words(type_: TypeExpr) -> str:
    match type_:
        case Primitive(name=name) | ScalarType(name=name) | AnyType(name=name):
            return class_name(name).rstrip("_")
        case LiteralType(values=values):
            return "".join(_literal_word(value) for value in values)
        case ListType(item=item, read_only=read_only):
            return f"{'Sequence' if read_only else 'List'}{_words(item)}"
        case DictType(value=value, read_only=read_only):
            return f"{'Mapping' if read_only else 'Dict'}{_words(value)}"
        case TupleType(items=items):
            return "Tuple" + "".join(map(_words, items))
        case CollectionType(kind=kind, item=item):
            return f"{class_name(kind)}{_words(item)}"
        case BoundedType(base=base):
            return _words(base)
        case UnionType(members=members):
            return "Or".join(map(_words, members))
        case JsonType():
            return "Json"
        case FailedType():
            return "Failed"
        case (
            RecordRef(key=key)
            | ClassRef(key=key)
            | EnumType(key=key)
            | AliasRef(key=key)
            | NewTypeRef(key=key)
        ):
            return flat_name(key)
        case UnknownType():
            return "Unknown"


def _literal_word(value: object) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", str(value)).strip("_")
    return class_name(words).strip("_") if words else "Empty"
