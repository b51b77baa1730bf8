"""What a path into a run's data leads to."""

from __future__ import annotations

from pgflow_gen.checks.assignable import Judge
from pgflow_gen.ir.types import (
    AnyType,
    ClassRef,
    DictType,
    FailedType,
    JsonType,
    ListType,
    RecordRef,
    TypeExpr,
    TypeTable,
    UnknownType,
    union,
)
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.text import closest


@dataclass(frozen=True, slots=True)
class PathFault:
    """Why a path leads nowhere, and a way out."""

    message: str
    help: str | None


def follow(judge: Judge, types: TypeTable, type_: TypeExpr, keys: tuple[str, ...]) -> TypeExpr | PathFault:
    """The type at the end of ``keys``. Of a union, those members count that have the key."""
    for key in keys:
        found = [_step(judge, types, member, key) for member in judge.members(type_)]
        types_found = [item for item in found if not isinstance(item, PathFault)]
        if not types_found:
            faults = [item for item in found if isinstance(item, PathFault)]
            return max(faults, key=lambda item: item.help is not None)
        type_ = union(*types_found)
    return type_


def _step(judge: Judge, types: TypeTable, type_: TypeExpr, key: str) -> TypeExpr | PathFault:
    match type_:
        case RecordRef() | ClassRef():
            record = types.records.get(type_.key)
            if record is None:
                return UnknownType()
            field = record.get(key)
            if field is not None:
                return field.type
            near = closest(key, [item.key for item in record.fields])
            known = ", ".join(sorted(item.key for item in record.fields))
            help = f"did you mean {near!r}?" if near else f"known keys: {known}"
            return PathFault(f"{record.key} has no key {key!r}", help)
        case DictType(value=value):
            return value
        case AnyType() | UnknownType() | JsonType():
            return type_
        case ListType():
            return PathFault(f"{type_} is a list, and has no {key!r}", "a path names the keys of objects")
        case FailedType():
            return PathFault(f"a Failed has no key {key!r}", None)
        case _:
            return PathFault(f"{type_} has no keys, and so not {key!r}", None)
