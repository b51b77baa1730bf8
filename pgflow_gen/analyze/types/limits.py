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


def is_too_large(whole: TypeExpr) -> bool:
    waiting, count = [whole], 0
    while waiting and count <= MAX_SIZE:
        count += 1
        waiting.extend(children(waiting.pop()))
    return count > MAX_SIZE


def parameter_only(whole: TypeExpr, aliases: Mapping[TypeKey, Alias]) -> TypeFault | None:
    """What is wrong with ``whole`` as a return, a field or an input type; None when nothing is."""
    seen: set[TypeKey] = set()
    waiting = [whole]
    while waiting:
        part = waiting.pop()
        fault = _fault(part)
        if fault is not None:
            return fault
        if isinstance(part, AliasRef) and part.key in aliases and part.key not in seen:
            seen.add(part.key)
            waiting.append(aliases[part.key].target)
        if not isinstance(part, RecordRef | ClassRef | AliasRef):
            waiting.extend(children(part))
    return None


def _fault(part: TypeExpr) -> TypeFault | None:
    match part:
        case ListType(read_only=True, item=inner):
            return not_json(f"{part} may only annotate a parameter", f"use list[{inner}] here")
        case DictType(read_only=True, value=inner):
            return not_json(f"{part} may only annotate a parameter", f"use dict[str, {inner}] here")
        case NewTypeRef(base=base):
            return not_json(f"NewType {part} may only annotate a parameter", f"use {base} here")
        case _:
            return None
