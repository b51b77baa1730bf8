"""Values put into the ``NewType`` a parameter asks for: what is JSON at the boundary is one for the handler.

mypy then checks the value against the type the ``NewType`` is built on.
"""

from __future__ import annotations

from pgflow_gen.ir.types import NONE, BoundedType, DictType, ListType, NewTypeRef, TypeExpr, UnionType
from pgflow_gen.render.python.annotations import TypeNames


def wrapped(value: str, type_: TypeExpr | None, names: TypeNames, depth: int = 0) -> str:
    """The expression ``value``, in ``NewType`` calls where ``type_`` has one in a subject they can reach."""
    if type_ is None or not _has_new_type(type_):
        return value
    item = f"_item{depth}"
    match type_:
        case BoundedType(base=base):
            return wrapped(value, base, names, depth)
        case NewTypeRef(base=base):
            return f"{names.new_type(type_)}({wrapped(value, base, names, depth)})"
        case ListType(item=inner):
            return f"[{wrapped(item, inner, names, depth + 1)} for {item} in {value}]"
        case DictType(value=inner):
            inside = wrapped(item, inner, names, depth + 1)
            return f"{{_key{depth}: {inside} for _key{depth}, {item} in {value}.items()}}"
        case UnionType(members=members) if NONE in members and len(members) == 2:
            [other] = [member for member in members if member != NONE]
            return f"None if {value} is None else {wrapped(value, other, names, depth)}"
        case _:
            return value


def _has_new_type(type_: TypeExpr) -> bool:
    match type_:
        case NewTypeRef():
            return True
        case ListType(item=inner) | DictType(value=inner) | BoundedType(base=inner):
            return _has_new_type(inner)
        case UnionType(members=members):
            return any(map(_has_new_type, members))
        case _:
            return False
