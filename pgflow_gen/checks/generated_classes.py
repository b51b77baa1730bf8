"""Flows' outputs by their generated names: types of callers, who get no classes of handlers."""

from __future__ import annotations

from pgflow_gen.ir.converted import inside
from pgflow_gen.ir.types import AliasRef, ClassRef, EnumType, RecordRef, TypeExpr, TypeTable, children


def class_in_generated(asked: TypeExpr, types: TypeTable) -> ClassRef | EnumType | None:
    """A class of handlers in a generated type below ``asked``, which has something else in its place."""
    seen: set[tuple[TypeExpr, bool]] = set()
    waiting = [(asked, False)]
    while waiting:
        type_, is_generated = waiting.pop()
        if is_generated and isinstance(type_, ClassRef | EnumType):
            return type_
        if (type_, is_generated) in seen:
            continue
        seen.add((type_, is_generated))
        found = [*children(type_)]
        if isinstance(type_, RecordRef | ClassRef | AliasRef):
            is_generated = is_generated or type_.key.is_generated
            found += inside(type_, types)
        waiting += [(item, is_generated) for item in found]
    return None
