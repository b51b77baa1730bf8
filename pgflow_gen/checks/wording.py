"""How a disagreement between two types is put into words: names, reasons, ways out."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.checks.assignable import NO, YES, Judge
from pgflow_gen.ir.types import (
    ClassRef,
    DictType,
    EnumType,
    ListType,
    RecordRef,
    TypeExpr,
    TypeKey,
    TypeTable,
    children,
)


def spell(given: TypeExpr, asked: TypeExpr) -> tuple[str, str]:
    """Both types as text; with their modules where two different ones read the same."""
    left, right = str(given), str(asked)
    if left != right:
        return left, right
    return qualified(given), qualified(asked)


def qualified(type_: TypeExpr) -> str:
    """The type as text, each of its named types with its module."""
    text = str(type_)
    for key in dict.fromkeys(_keys(type_)):
        text = text.replace(str(key), f"{key.module}.{key}")
    return text


def _keys(type_: TypeExpr) -> Iterator[TypeKey]:
    if isinstance(type_, RecordRef | ClassRef | EnumType):
        yield type_.key
        return
    for inner in children(type_):
        yield from _keys(inner)


def way_out(judge: Judge, given: TypeExpr, asked: TypeExpr, what: str = "the parameter") -> str:
    """What to write instead of ``asked``."""
    match judge.resolve(given), judge.resolve(asked):
        case ListType(item=have, read_only=False), ListType(item=want, read_only=False):
            if judge.verdict(have, want) is YES:
                wider: TypeExpr = ListType(want, read_only=True)
                return (
                    f"a list accepts one element type exactly: annotate {what} as {wider} (collections.abc)"
                )
        case DictType(value=have, read_only=False), DictType(value=want, read_only=False):
            if judge.verdict(have, want) is YES:
                wider = DictType(want, read_only=True)
                return f"a dict accepts one value type exactly: annotate {what} as {wider} (collections.abc)"
        case _:
            pass
    return f"annotate {what} as {spell(given, asked)[0]}"


def reasons(judge: Judge, types: TypeTable, given: TypeExpr, asked: TypeExpr) -> tuple[str, ...]:
    """Notes that say where two records differ, also inside lists and dicts; empty for other types."""
    given, asked = judge.resolve(given), judge.resolve(asked)
    match given, asked:
        case (ListType(item=have), ListType(item=want)) | (DictType(value=have), DictType(value=want)):
            return reasons(judge, types, have, want)
        case RecordRef(), RecordRef():
            return tuple(_record_reasons(judge, types, given, asked))
        case _:
            return ()


def _record_reasons(judge: Judge, types: TypeTable, given: RecordRef, asked: RecordRef) -> Iterator[str]:
    left, right = types.records.get(given.key), types.records.get(asked.key)
    if left is None or right is None:
        return
    name, wanted_name = spell(given, asked)
    if right.closed and not left.closed:
        yield f"{wanted_name} is closed, but values of {name} may have other keys"
    elif right.closed:
        extra = [item.key for item in left.fields if right.get(item.key) is None]
        yield from (f"{wanted_name} is closed and has no key {key!r}" for key in extra)
    for want in right.fields:
        have = left.get(want.key)
        if have is None:
            if want.required or not want.read_only:
                yield f"{name} has no key {want.key!r}, which {wanted_name} has"
        elif want.required and not have.required:
            yield f"key {want.key!r} may be missing in {name}, but {wanted_name} requires it"
        elif have.required and not want.required and not want.read_only:
            yield f"key {want.key!r} is required in {name}, but may be missing in {wanted_name}"
        elif judge.verdict(have.type, want.type) is NO or (
            not want.read_only and judge.equivalent(have.type, want.type) is NO
        ):
            shown, wanted = spell(have.type, want.type)
            yield f"key {want.key!r} is {shown} in {name}, but {wanted} in {wanted_name}"
