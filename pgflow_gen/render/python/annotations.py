"""How a type of the IR is written in Python, given the names a module has for what it refers to."""

from __future__ import annotations

from typing import Protocol

from pgflow_gen.ir.types import (
    AliasRef,
    AnyType,
    BoundedType,
    ClassRef,
    CollectionType,
    DictType,
    EnumType,
    FailedType,
    Field,
    JsonType,
    ListType,
    LiteralType,
    NewTypeRef,
    Primitive,
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeKey,
    TypeTable,
    UnionType,
    UnknownType,
    children,
)
from pgflow_gen.render.literals import py_literal
from pgflow_gen.render.python.imports import Imports

_SCALARS = {
    "datetime": "datetime",
    "date": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "UUID": "uuid",
    "Decimal": "decimal",
    "Path": "pathlib",
}
"""The module of each that is no builtin."""


class TypeNames(Protocol):
    """What one module calls the named types."""

    imports: Imports

    def record(self, key: TypeKey) -> str: ...

    def alias(self, key: TypeKey) -> str: ...

    def enum(self, type_: EnumType) -> str: ...

    def new_type(self, ref: NewTypeRef) -> str: ...


def spell(type_: TypeExpr, names: TypeNames) -> str:
    """``type_`` as an annotation; everything it needs is imported into ``names.imports``."""
    use = names.imports.use
    match type_:
        case Primitive(name=name):
            return name
        case ScalarType(name=name):
            return use(_SCALARS[name], name) if name in _SCALARS else name
        case LiteralType(values=values):
            return f"{use('typing', 'Literal')}[{', '.join(map(py_literal, values))}]"
        case ListType(item=item, read_only=read_only):
            return f"{use('collections.abc', 'Sequence') if read_only else 'list'}[{spell(item, names)}]"
        case DictType(value=value, read_only=read_only):
            return f"{use('collections.abc', 'Mapping') if read_only else 'dict'}[str, {spell(value, names)}]"
        case UnionType(members=members):
            return " | ".join(spell(member, names) for member in members)
        case TupleType(items=items):
            return f"tuple[{', '.join(spell(item, names) for item in items)}]"
        case CollectionType(kind=kind, item=item):
            return f"{kind}[{spell(item, names)}{', ...' if kind == 'tuple' else ''}]"
        case BoundedType(base=base):
            return spell(base, names)
        case JsonType():
            return use("pgflow_runtime", "JsonValue")
        case FailedType():
            return use("pgflow_runtime", "Failed")
        case AnyType(name=name):
            return use("typing", "Any") if name == "Any" else name
        case RecordRef(key=key) | ClassRef(key=key):
            return names.record(key)
        case EnumType():
            return names.enum(type_)
        case AliasRef(key=key):
            return names.alias(key)
        case NewTypeRef():
            return names.new_type(type_)
        case UnknownType(text=text):
            raise ValueError(f"the type {text!r} has a finding of its own and cannot be rendered")


def members_of(type_: EnumType, name: str, imports: Imports) -> str:
    """The enum of that name, or those members that the type is of."""
    if type_.is_whole:
        return name
    return (
        f"{imports.use('typing', 'Literal')}[{', '.join(f'{name}.{member}' for member, _ in type_.members)}]"
    )


def annotation(field: Field, names: TypeNames) -> str:
    """The type of a TypedDict's key, with its qualifiers."""
    text = spell(field.type, names)
    if field.read_only:
        text = f"{names.imports.use('typing_extensions', 'ReadOnly')}[{text}]"
    if not field.required:
        text = f"{names.imports.use('typing', 'NotRequired')}[{text}]"
    return text


def needs_quotes(type_: TypeExpr, types: TypeTable) -> bool:
    """Whether an alias for ``type_`` must be a string: parts of it are strings at run time, or come later."""
    match type_:
        case JsonType() | AliasRef():
            return True
        case ClassRef(key=key):
            return key in types.records and types.records[key].kind == "named_tuple"
        case (
            ListType()
            | DictType()
            | NewTypeRef()
            | BoundedType()
            | CollectionType()
            | UnionType()
            | TupleType()
        ):
            return any(needs_quotes(inner, types) for inner in children(type_))
        case _:
            return False
