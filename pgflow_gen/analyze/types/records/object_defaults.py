"""Defaults that are objects of classes: ``= Retry(attempts=5)``, ``default_factory=Retry``.

They are read as the keywords that are given; with what the class says of the others they are complete. One
that is not, for a field of the class has no default that is known, is none on the wire: there the key is
required.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pgflow_gen.ir.types import FLOAT, ClassRef, Field, Record, TypeExpr, TypeKey, UnionType, without_bounds

_MOST_LEVELS = 30


class _IncompleteError(Exception):
    pass


def with_whole_defaults(record: Record, records: Mapping[TypeKey, Record]) -> Record:
    """The record, its fields' defaults as they are on the wire."""
    if record.kind == "typed_dict" or not any("{" in (field.default or "") for field in record.fields):
        return record
    return replace(record, fields=tuple(_field(field, records) for field in record.fields))


def _field(field: Field, records: Mapping[TypeKey, Record]) -> Field:
    if field.default is None:
        return field
    try:
        whole = _whole(json.loads(field.default), field.type, records, 0)
    except _IncompleteError:
        return replace(field, default=None, required=True)
    return replace(field, default=json.dumps(whole))


def _whole(value: Any, type_: TypeExpr, records: Mapping[TypeKey, Record], level: int) -> Any:
    if without_bounds(type_) == FLOAT and type(value) is int:
        return float(value)
    record = _class_of(type_, records)
    if record is None or not isinstance(value, dict):
        return value
    given = {_key(record, name): item for name, item in value.items()}
    if level > _MOST_LEVELS or not given.keys() <= {field.key for field in record.fields}:
        raise _IncompleteError
    found = {}
    for field in record.fields:
        if field.key not in given and field.default is None:
            raise _IncompleteError
        own = given[field.key] if field.key in given else json.loads(field.default or "null")
        found[field.key] = _whole(own, field.type, records, level + 1)
    return found


def _key(record: Record, name: str) -> str:
    """By the constructor's name: msgspec's is the attribute, whatever the key is."""
    if record.kind != "msgspec":
        return name
    return next((field.key for field in record.fields if field.attribute == name), name)


def _class_of(type_: TypeExpr, records: Mapping[TypeKey, Record]) -> Record | None:
    """The only class that an object of the type may be of."""
    plain = without_bounds(type_)
    members = plain.members if isinstance(plain, UnionType) else (plain,)
    classes = [member for member in map(without_bounds, members) if isinstance(member, ClassRef)]
    return records.get(classes[0].key) if len(classes) == 1 else None
