"""Tuples and sets: lists on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault, not_json
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.ir.types import (
    UNKNOWN,
    BoundedType,
    CollectionType,
    EnumType,
    LiteralType,
    Primitive,
    ScalarType,
    TupleType,
    TypeExpr,
    UnknownType,
    children,
)


def tuple_type(
    reader: ReadsTypes, arguments: Sequence[cst.BaseExpression], scope: Scope, faults: list[TypeFault]
) -> TypeExpr:
    """``tuple[A, B]`` or ``tuple[T, ...]``."""
    if len(arguments) == 2 and isinstance(arguments[1], cst.Ellipsis):
        return CollectionType("tuple", reader.read(arguments[0], scope, faults))
    if not arguments:
        faults.append(not_json("tuple[()] holds nothing", "use None, or tuple[T, ...]"))
        return UNKNOWN
    return TupleType(tuple(reader.read(node, scope, faults) for node in arguments))


def set_type(
    reader: ReadsTypes,
    kind: Literal["set", "frozenset"],
    arguments: Sequence[cst.BaseExpression],
    scope: Scope,
    faults: list[TypeFault],
) -> TypeExpr:
    """``set[T]`` of values that can be sorted and compared: no lists, no objects."""
    if len(arguments) != 1:
        faults.append(not_json(f"{kind}[...] takes one type, not {len(arguments)}"))
        return UNKNOWN
    item = reader.read(arguments[0], scope, faults)
    if isinstance(item, UnknownType):
        return UNKNOWN
    if not _is_plain(item):
        faults.append(
            not_json(
                f"{kind}[{item}] is not JSON: a set holds texts, numbers and what is written as one",
                f"use list[{item}]",
            )
        )
        return UNKNOWN
    return CollectionType(kind, item)


def _is_plain(type_: TypeExpr) -> bool:
    if isinstance(type_, TupleType | BoundedType):
        return all(map(_is_plain, children(type_)))
    return isinstance(type_, Primitive | LiteralType | ScalarType | EnumType)
