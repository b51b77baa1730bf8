"""Does a condition's pattern fit the type it is matched against?

A pattern is JSON containment (``@>`` in SQL): objects are partial, a list means "contains", numbers are
compared by value. A pattern that can never match is a slip; that is what is looked for here.

A value is of one alternative of its type, so a pattern is refused only if no alternative takes it. What is
said then is about the alternative that has the pattern's form (an object for an object), because there the
slip is one level further in; where none has, all alternatives are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pgflow_gen.checks.assignable import Judge
from pgflow_gen.ir.flow import Json
from pgflow_gen.ir.patterns import DECIDE, MANY_TEXTS
from pgflow_gen.ir.types import (
    INT,
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
    ScalarName,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeTable,
    UnknownType,
    union,
)
from pgflow_shared.scalars import SCALARS
from pgflow_shared.text import closest


def mismatch(
    judge: Judge, types: TypeTable, pattern: Json, type_: TypeExpr, path: str = ""
) -> tuple[str, str | None] | None:
    """Why ``pattern`` can never match a value of ``type_``, and a way out; None when it can."""
    members = judge.members(type_)
    faults = []
    for member in members:
        fault = _one(judge, types, pattern, member, path)
        if fault is None:
            return None
        faults.append((_depth(pattern, member), fault))
    # Of several alternatives the one that is nearest to the pattern's form is worth explaining.
    _, fault = max(faults, key=lambda item: item[0])
    if len(members) > 1 and not any(depth for depth, _ in faults):
        shown = " | ".join(map(str, members))
        return f"{_at(path)}{_json(pattern)} is none of {shown}", " or ".join(map(_wanted, members))
    return fault


def object_mismatch(
    judge: Judge,
    types: TypeTable,
    pattern: Mapping[str, Json],
    keys: Mapping[str, TypeExpr | None],
    path: str,
) -> Iterator[tuple[str, str | None]]:
    """All that is wrong with an object's keys and their values."""
    for key, value in pattern.items():
        if key not in keys:
            near = closest(key, keys)
            known = f"known keys: {', '.join(sorted(keys))}" if keys else "leave the pattern out"
            yield f"{_at(path)}there is no key {key!r}", f"did you mean {near!r}?" if near else known
            continue
        type_ = keys[key]
        fault = None if type_ is None else mismatch(judge, types, value, type_, f"{path}[{key!r}]")
        if fault is not None:
            yield fault


def _one(
    judge: Judge, types: TypeTable, pattern: Json, type_: TypeExpr, path: str
) -> tuple[str, str | None] | None:
    match type_:
        case AnyType() | UnknownType() | JsonType():
            return None
        # Containers are gone into, and only what is inside can be at fault; scalars are compared. Whatever
        # gets to the end of the match has the wrong form.
        case RecordRef() | ClassRef():
            record = types.records.get(type_.key)
            if record is None:
                return None
            keys = {item.key: item.type for item in record.fields}
            if isinstance(pattern, dict):
                return next(object_mismatch(judge, types, pattern, keys, path), None)
        case FailedType():
            if isinstance(pattern, dict):
                return _failed(judge, types, pattern, path)
        case DictType(value=value) if isinstance(pattern, dict):
            faults = (
                mismatch(judge, types, item, value, f"{path}[{key!r}]") for key, item in pattern.items()
            )
            return next((fault for fault in faults if fault is not None), None)
        case ListType(item=item) | CollectionType(item=item) if isinstance(pattern, list):
            faults = (mismatch(judge, types, part, item, f"{path}[...]") for part in pattern)
            return next((fault for fault in faults if fault is not None), None)
        case TupleType(items=items) if isinstance(pattern, list):
            faults = (mismatch(judge, types, part, union(*items), f"{path}[...]") for part in pattern)
            return next((fault for fault in faults if fault is not None), None)
        case Primitive(name=name):
            if _is_a(pattern, name):
                return None
        case ScalarType(name=name):
            return _scalar(pattern, name, path)
        case LiteralType(values=values) | EnumType(values=values):
            if any(type(pattern) is type(value) and pattern == value for value in values):
                return None
        case _:
            pass
    return f"{_at(path)}{_json(pattern)} is no {type_}", _wanted(type_)


def _scalar(pattern: Json, name: ScalarName, path: str) -> tuple[str, str | None] | None:
    """What is matched is the text on the wire, so there must be one only."""
    if name in MANY_TEXTS:
        return (
            f"{_at(path)}a {name} is stored as one of several texts, so a pattern says little of it",
            DECIDE,
        )
    scalar = SCALARS[name]
    try:
        text = scalar.encode(scalar.decode(pattern)) if isinstance(pattern, str) else None
    except (ValueError, ArithmeticError):
        text = None
    if text == pattern:
        return None
    help = f"write {text!r}" if text is not None else f"write the text that the {name} is on the wire"
    return f"{_at(path)}{_json(pattern)} is no {name} as it is stored", help


_FAILED_KEYS: Mapping[str, TypeExpr] = {"error": STR, "step": STR, "index": INT, "attempts": INT}


def _failed(
    judge: Judge, types: TypeTable, pattern: Mapping[str, Json], path: str
) -> tuple[str, str | None] | None:
    """A pattern over a ``Failed``, as it is stored: ``{"$failed": {...}}``."""
    fault = next(object_mismatch(judge, types, pattern, {"$failed": None}, path), None)
    inner = pattern.get("$failed", {})
    if fault is not None or not isinstance(inner, dict):
        return fault or (f"{_at(path)}{_json(inner)} is no Failed", 'write {"$failed": {}}')
    return next(object_mismatch(judge, types, inner, _FAILED_KEYS, f"{path}['$failed']"), None)


def _wanted(type_: TypeExpr) -> str:
    """What to write where a value of ``type_`` is matched."""
    match type_:
        case FailedType():
            return 'write {"$failed": {}}'
        case RecordRef() | ClassRef():
            return f"write an object with keys of {type_}"
        case DictType():
            return 'write an object: {"key": ...}'
        case ListType() | CollectionType() | TupleType():
            return "write a list of what the list must contain: [...]"
        case Primitive(name="bool"):
            return "write True or False"
        case Primitive(name="None"):
            return "write None"
        case Primitive(name="str"):
            return 'write a string: "..."'
        case Primitive():
            return "write a number"
        case LiteralType(values=values) | EnumType(values=values):
            return f"write {' or '.join(map(repr, values))}"
        case _:
            return f"write a value of {type_}"


def _depth(pattern: Json, type_: TypeExpr) -> int:
    """Above 0 when the pattern has the form of the type, so that what is inside of it is at fault."""
    match type_:
        case FailedType():
            return 2 * int(isinstance(pattern, dict) and "$failed" in pattern)
        case RecordRef() | ClassRef() | DictType():
            return int(isinstance(pattern, dict))
        case ListType() | CollectionType() | TupleType():
            return int(isinstance(pattern, list))
        case _:
            return 0


def _is_a(value: Json, name: str) -> bool:
    if isinstance(value, bool):
        return name == "bool"
    if isinstance(value, int):
        return name in ("int", "float")
    if isinstance(value, float):
        return name == "float" or (name == "int" and value.is_integer())
    return {"str": isinstance(value, str), "None": value is None}.get(name, False)


def _at(path: str) -> str:
    return f"at {path}: " if path else ""


def _json(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
