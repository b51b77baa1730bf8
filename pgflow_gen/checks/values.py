"""Is a literal value of a type? The compiler's own judgement; where it is not certain, mypy decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pgflow_gen.checks.assignable import Judge
from pgflow_gen.ir.flow import Json
from pgflow_gen.ir.schedule import Path
from pgflow_gen.ir.types import (
    STR,
    AnyType,
    ClassRef,
    CollectionType,
    DictType,
    EnumType,
    FailedType,
    JsonType,
    ListType,
    LiteralType,
    Primitive,
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeTable,
    UnknownType,
)
from pgflow_shared.text import closest

_FIRE_TYPES = (STR, ScalarType("date"), ScalarType("datetime"))
"""What the date or time of a fire may be."""


def value_fault(
    judge: Judge, types: TypeTable, value: Json, type_: TypeExpr, marked: Collection[Path], path: Path = ()
) -> str | None:
    """Why ``value`` is none of ``type_``; None when it is. Text that is not known yet is ``marked``."""
    members = judge.members(type_)
    faults = []
    for member in members:
        fault = _one(judge, types, value, member, marked, path)
        if fault is None:
            return None
        faults.append((_depth(value, member), fault))
    if not faults:
        return None
    _, fault = max(faults, key=lambda item: item[0])
    if len(members) > 1 and not any(depth for depth, _ in faults):
        return f"{_at(path)}{_shown(value, path, marked)} is no {type_}"
    return fault


def _one(
    judge: Judge, types: TypeTable, value: Json, type_: TypeExpr, marked: Collection[Path], path: Path
) -> str | None:
    if path in marked:
        if isinstance(type_, JsonType | AnyType | UnknownType) or type_ in _FIRE_TYPES:
            return None
        return f"{_at(path)}a date or time of fire is text, and no {type_}"
    match type_:
        case Primitive(name=name):
            fits = _is_a(value, name)
        case LiteralType(values=values):
            fits = any(type(value) is type(item) and value == item for item in values)
        case ListType(item=item) | CollectionType(item=item):
            if isinstance(value, list):
                return _items_fault(judge, types, value, [item] * len(value), marked, path)
            fits = False
        case TupleType(items=items):
            if isinstance(value, list) and len(value) == len(items):
                return _items_fault(judge, types, value, items, marked, path)
            fits = False
        case DictType(value=item):
            if isinstance(value, dict):
                faults = (
                    value_fault(judge, types, part, item, marked, (*path, key)) for key, part in value.items()
                )
                return next((fault for fault in faults if fault is not None), None)
            fits = False
        case ScalarType():
            fits = isinstance(value, str)
        case EnumType(values=enum_values):
            fits = any(type(value) is type(item) and value == item for item in enum_values)
        case RecordRef() | ClassRef():
            if isinstance(value, dict):
                return _record_fault(judge, types, value, type_, marked, path)
            fits = False
        case FailedType():
            fits = False
        case _:
            fits = True  # any JSON, or a type whose values mypy knows better
    return None if fits else f"{_at(path)}{_shown(value, path, marked)} is no {type_}"


def _items_fault(
    judge: Judge,
    types: TypeTable,
    values: Sequence[Json],
    items: Sequence[TypeExpr],
    marked: Collection[Path],
    path: Path,
) -> str | None:
    faults = (
        value_fault(judge, types, value, item, marked, (*path, str(at)))
        for at, (value, item) in enumerate(zip(values, items, strict=True))
    )
    return next((fault for fault in faults if fault is not None), None)


def _record_fault(
    judge: Judge,
    types: TypeTable,
    value: Mapping[str, Json],
    type_: RecordRef | ClassRef,
    marked: Collection[Path],
    path: Path,
) -> str | None:
    record = types.records.get(type_.key)
    if record is None:
        return None
    for key in value:
        if record.get(key) is None:
            near = closest(key, [item.key for item in record.fields])
            return f"{_at(path)}{type_} has no key {key!r}" + (f"; did you mean {near!r}?" if near else "")
    for field in record.fields:
        if field.key not in value:
            if field.required:
                return f"{_at(path)}the key {field.key!r} is missing"
            continue
        fault = value_fault(judge, types, value[field.key], field.type, marked, (*path, field.key))
        if fault is not None:
            return fault
    return None


def _is_a(value: Json, name: str) -> bool:
    if isinstance(value, bool):
        return name == "bool"
    if isinstance(value, int):
        return name in ("int", "float")
    return {"str": isinstance(value, str), "None": value is None, "float": isinstance(value, float)}.get(
        name, False
    )


def _depth(value: Json, type_: TypeExpr) -> int:
    """1 when the value has the form of the type, so that what is inside of it is at fault."""
    is_object = isinstance(type_, RecordRef | ClassRef | DictType) and isinstance(value, dict)
    is_list = isinstance(type_, ListType | CollectionType | TupleType) and isinstance(value, list)
    return int(is_object or is_list)


def _at(path: Path) -> str:
    return f"at {'.'.join(path)}: " if path else ""


def _shown(value: Json, path: Path, marked: Collection[Path]) -> str:
    text = "a date or time of fire" if path in marked else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
