"""What a type may not be although each of its parts is: read-only outside parameters, or bottomless."""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_gen.analyze.types.faults import TypeFault, not_json
from pgflow_gen.ir.types import (
    Alias,
    AliasRef,
    ClassRef,
    DictType,
    ListType,
    NewTypeRef,
    RecordRef,
    TypeExpr,
    TypeKey,
    children,
)

MAX_NESTING = 80
"""Types inside types, aliases included; every layer above walks them recursively."""
MAX_SIZE = 2000
"""Parts of one expanded alias; aliases that double each other grow beyond all bounds."""


def too_deep() -> TypeFault:
    return not_json(
        f"more than {MAX_NESTING} types stand inside each other", "name the inner ones: declare TypedDicts"
    )


def is_too_large(found: TypeExpr) -> bool:
    waiting, count = [found], 0
    while waiting and count <= MAX_SIZE:
        count += 1
        waiting.extend(children(waiting.pop()))
    return count > MAX_SIZE


def parameter_only(found: TypeExpr, aliases: Mapping[TypeKey, Alias]) -> TypeFault | None:
    """What is wrong with ``found`` as a return, a field or an input type; None when nothing is."""
    seen: set[TypeKey] = set()
    waiting = [found]
    while waiting:
        item = waiting.pop()
        fault = _fault(item)
        if fault is not None:
            return fault
        if isinstance(item, AliasRef) and item.key in aliases and item.key not in seen:
            seen.add(item.key)
            waiting.append(aliases[item.key].target)
        if not isinstance(item, RecordRef | ClassRef | AliasRef):
            waiting.extend(children(item))
    return None


def _fault(item: TypeExpr) -> TypeFault | None:
    match item:
        case ListType(read_only=True, item=inner):
            return not_json(f"{item} may only annotate a parameter", f"use list[{inner}] here")
        case DictType(read_only=True, value=inner):
            return not_json(f"{item} may only annotate a parameter", f"use dict[str, {inner}] here")
        case NewTypeRef(base=base):
            return not_json(f"NewType {item} may only annotate a parameter", f"use {base} here")
        case _:
            return None
