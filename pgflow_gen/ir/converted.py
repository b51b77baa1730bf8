"""Which types are something else in Python than on the wire: classes, enums, times and their like."""

from __future__ import annotations

from collections.abc import Iterable

from pgflow_gen.ir.types import (
    AliasRef,
    ClassRef,
    CollectionType,
    EnumType,
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeKey,
    TypeTable,
    children,
)


def is_converted(type_: TypeExpr, types: TypeTable) -> bool:
    """Whether a value of ``type_`` may hold one that is converted at a boundary."""
    seen: set[TypeKey] = set()
    waiting = [type_]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ClassRef | EnumType | ScalarType | TupleType | CollectionType):
            return True
        if isinstance(item, RecordRef | AliasRef) and item.key not in seen:
            seen.add(item.key)
            waiting += inside(item, types)
        if not isinstance(item, RecordRef):
            waiting += children(item)
    return False


def inside(ref: RecordRef | ClassRef | AliasRef, types: TypeTable) -> Iterable[TypeExpr]:
    """What a named type is made of: the types of its fields, or the one it stands for."""
    if isinstance(ref, AliasRef):
        alias = types.aliases.get(ref.key)
        return [] if alias is None else [alias.target]
    record = types.records.get(ref.key)
    return [] if record is None else [field.type for field in record.fields]
