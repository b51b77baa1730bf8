"""``Literal[...]``: strings, integers, booleans, None and members of enums."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault, not_json, unstorable
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.analyze.types.values.enums import EnumReader
from pgflow_gen.ir.types import NONE, UNKNOWN, EnumType, LiteralType, TypeExpr, TypeKey, UnionType, union
from pgflow_gen.names import is_storable

_CONSTANTS: dict[str, bool | None] = {"True": True, "False": False, "None": None}


def literal_type(
    reader: ReadsTypes,
    enums: EnumReader,
    arguments: Sequence[cst.BaseExpression],
    scope: Scope,
    faults: list[TypeFault],
) -> TypeExpr:
    """The type of ``Literal[arguments]``; nested Literals and aliases of them are flattened."""
    values: list[str | int | bool | None] = []
    members: dict[TypeKey, EnumType] = {}
    for node in arguments:
        member = enums.member(node, scope)
        if member is not None:
            before = members.get(member.key)
            both = (*(before.members if before is not None else ()), *member.members)
            members[member.key] = replace(member, members=tuple(dict.fromkeys(both)))
            continue
        inner: list[TypeFault] = []
        found = _values(reader, node, scope, inner)
        unresolved = [fault for fault in inner if fault.code == "PGF103"]
        if unresolved:
            faults.extend(unresolved)
            return UNKNOWN
        if not all(is_storable(value) for value in found or () if isinstance(value, str)):
            text = scope.module.file.code(node)
            faults.append(unstorable(f"Literal[{text}]"))
            return UNKNOWN
        if found is None:
            text = scope.module.file.code(node)
            faults.append(
                not_json(
                    f"Literal[{text}] is not JSON",
                    "a Literal holds strings, integers, True, False, None or members of enums",
                )
            )
            return UNKNOWN
        values.extend(found)
    unique = {(type(value), value): value for value in values}
    if not unique and not members:
        faults.append(not_json("Literal[] holds no value"))
        return UNKNOWN
    return union(*members.values(), *([LiteralType(tuple(unique.values()))] if unique else []))


def _values(
    reader: ReadsTypes, node: cst.BaseExpression, scope: Scope, faults: list[TypeFault]
) -> Sequence[str | int | bool | None] | None:
    match node:
        case cst.SimpleString() | cst.ConcatenatedString():
            text = node.evaluated_value
            return [text] if isinstance(text, str) else None
        case cst.Integer() | cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer()):
            return _integer(scope.module.file.code(node))
        case cst.Name(value=name) if name in _CONSTANTS:
            return [_CONSTANTS[name]]
        case cst.Name() | cst.Attribute() | cst.Subscript():
            return _nested(reader.read(node, scope, faults))
        case _:
            return None


def _integer(text: str) -> list[int] | None:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return [value] if isinstance(value, int) else None


def _nested(found: TypeExpr) -> Sequence[str | int | bool | None] | None:
    if isinstance(found, LiteralType):
        return found.values
    if isinstance(found, UnionType) and all(
        isinstance(item, LiteralType) or item == NONE for item in found.members
    ):
        return [
            value
            for item in found.members
            for value in (item.values if isinstance(item, LiteralType) else (None,))
        ]
    return None
