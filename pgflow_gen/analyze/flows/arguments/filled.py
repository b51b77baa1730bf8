"""Literal values with the defaults of keys that are left out: what whoever sends typed data sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pgflow_gen.ir.flow import Json
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_gen.ir.types import (
    AliasRef,
    BoundedType,
    ClassRef,
    CollectionType,
    DictType,
    ListType,
    LiteralType,
    NewTypeRef,
    Record,
    RecordRef,
    TupleType,
    TypeExpr,
    TypeTable,
    UnionType,
)


def filled_schedule(schedule: ScheduleSpec, type_: TypeExpr | None, types: TypeTable) -> ScheduleSpec:
    """The schedule with its whole input; as it is where that cannot be read."""
    if type_ is None or not schedule.unread.isdisjoint({"input", "*"}):
        return schedule
    return replace(schedule, input=_filled(schedule.input, type_, types))


def _filled(value: Json, type_: TypeExpr, types: TypeTable) -> Json:
    """A value of another form than its type stays: the checks tell of it."""
    if isinstance(value, dict):
        return _object(value, type_, types)
    if isinstance(value, list):
        return _list(value, type_, types)
    return value


def _object(value: Mapping[str, Json], type_: TypeExpr, types: TypeTable) -> dict[str, Json]:
    members = list(_members(type_, types))
    records = [
        types.records[member.key]
        for member in members
        if isinstance(member, RecordRef | ClassRef) and member.key in types.records
    ]
    record = next((each for each in records if _may_be(value, each)), None)
    if record is not None:
        found = {
            key: _filled(item, field.type, types) if (field := record.get(key)) is not None else item
            for key, item in value.items()
        }
        for field in record.fields:
            if field.key not in found and field.default is not None:
                found[field.key] = json.loads(field.default)
        return found
    of_dict = next((member.value for member in members if isinstance(member, DictType)), None)
    return {key: item if of_dict is None else _filled(item, of_dict, types) for key, item in value.items()}


def _list(value: list[Json], type_: TypeExpr, types: TypeTable) -> Json:
    for member in _members(type_, types):
        match member:
            case ListType(item=item) | CollectionType(item=item):
                return [_filled(part, item, types) for part in value]
            case TupleType(items=items) if len(items) == len(value):
                return [_filled(part, item, types) for part, item in zip(value, items, strict=True)]
            case _:
                continue
    return value


def _may_be(value: Mapping[str, Json], record: Record) -> bool:
    """Whether the object has what the record's values are told from others by."""
    for field in record.fields:
        if field.required and field.key not in value:
            return False
        tags = field.type.values if isinstance(field.type, LiteralType) else None
        if tags is not None and field.key in value and value[field.key] not in tags:
            return False
    return True


def _members(
    type_: TypeExpr, types: TypeTable, seen: frozenset[AliasRef] = frozenset()
) -> Iterator[TypeExpr]:
    """The alternatives of a type, with aliases, bounds and NewTypes opened."""
    match type_:
        case AliasRef() if type_ not in seen and type_.key in types.aliases:
            yield from _members(types.alias(type_).target, types, seen | {type_})
        case BoundedType(base=base) | NewTypeRef(base=base):
            yield from _members(base, types, seen)
        case UnionType(members=members):
            for member in members:
                yield from _members(member, types, seen)
        case _:
            yield type_
