"""Classes with fields that cross as objects: which classes are of that kind, and what in them forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libcst as cst

from pgflow_gen.analyze.types.classes import base_nodes
from pgflow_gen.analyze.types.faults import TypeFault, foreign, not_json, unresolved
from pgflow_gen.analyze.types.generics import argument
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records.msgspec_names import is_known, rename_of
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.ir.types import RecordKind
from pgflow_gen.source.names.index import Class
from pgflow_gen.source.names.resolve import Defined, External, Missing, Symbol

_ATTRS = ("define", "frozen", "mutable")
DECORATORS: Mapping[tuple[str, str], RecordKind] = {
    ("dataclasses", "dataclass"): "dataclass",
    ("pydantic.dataclasses", "dataclass"): "dataclass",
    **dict.fromkeys([(home, name) for home in ("attr", "attrs") for name in _ATTRS], "attrs"),
    ("attr", "s"): "attrs",
    ("attr", "attrs"): "attrs",
    ("attr", "dataclass"): "attrs",
}
BASES: Mapping[tuple[str, str], RecordKind] = {
    ("pydantic", "BaseModel"): "pydantic",
    ("pydantic.main", "BaseModel"): "pydantic",
    ("msgspec", "Struct"): "msgspec",
    ("typing", "NamedTuple"): "named_tuple",
    ("typing_extensions", "NamedTuple"): "named_tuple",
}
_HARMLESS_DECORATORS = frozenset(
    {
        ("typing", "final"),
        ("typing", "runtime_checkable"),
        ("typing_extensions", "final"),
        ("functools", "total_ordering"),
    }
)
_HARMLESS_BASES = frozenset(
    {
        ("builtins", "object"),
        ("abc", "ABC"),
        ("typing", "Generic"),
        ("typing", "Protocol"),
        ("typing_extensions", "Generic"),
        ("typing_extensions", "Protocol"),
    }
)
_POST_INIT = {
    "dataclass": "__post_init__",
    "attrs": "__attrs_post_init__",
    "msgspec": "__post_init__",
    "pydantic": "a validator",
    "named_tuple": "the handler",
}


def kind_of(
    reader: ReadsTypes, symbol: Defined, seen: frozenset[tuple[str, str]] = frozenset()
) -> RecordKind | None:
    """What kind of class with fields ``symbol`` is; None for any other thing."""
    if not isinstance(symbol.binding, Class) or symbol.key in seen:
        return None
    for decorator in _decorators(symbol):
        found = _meaning(reader, symbol, decorator)
        if isinstance(found, External) and (found.module, found.name) in DECORATORS:
            return DECORATORS[found.module, found.name]
    for node in base_nodes(symbol.binding.definition):
        base = reader.symbol(node, Scope(symbol.module))
        if isinstance(base, External) and (base.module, base.name) in BASES:
            return BASES[base.module, base.name]
        if isinstance(base, Defined):
            kind = kind_of(reader, base, seen | {symbol.key})
            if kind in BASES.values():  # by decorators nobody inherits a kind
                return kind
    return None


def refusals(reader: ReadsTypes, symbol: Defined, kind: RecordKind | None) -> Iterator[TypeFault]:
    """Why the class cannot be made of its fields, or its fields not be known from its text."""
    binding = symbol.binding
    assert isinstance(binding, Class)
    definition, name = binding.definition, binding.name
    yield from _decorator_faults(reader, symbol)
    if argument(definition.keywords, "metaclass") is not None:
        yield not_static(f"class {name} has a metaclass, which may change its fields", "leave it out")
    methods = {item.name.value for item in definition.body.body if isinstance(item, cst.FunctionDef)}
    for method in sorted(methods & {"__init__", "__new__"}):
        yield not_static(
            f"class {name} has a method {method} of its own, so it cannot be made of its fields",
            f"leave it out, and check or complete values in {_POST_INIT.get(kind or '', '__post_init__')}",
        )
    if kind == "msgspec" and not is_known(rename_of(reader, symbol)):
        help = 'write rename="camel" or another word of msgspec\'s, or name them: msgspec.field(name="...")'
        yield not_static(f"the names of the fields of {name} are computed (rename)", help)
    if any(base.star for base in definition.bases):
        yield not_static(f"the bases of class {name} are not written out", "name them")
    for node in base_nodes(definition):
        fault = _base_fault(reader, symbol, node)
        if fault is not None:
            yield fault


def _decorator_faults(reader: ReadsTypes, symbol: Defined) -> Iterator[TypeFault]:
    name = symbol.binding.name
    for decorator in _decorators(symbol):
        found = _meaning(reader, symbol, decorator)
        key = (found.module, found.name) if isinstance(found, External) else ("", "")
        if key in DECORATORS:
            if _flag(decorator, "init") == "False":
                help = "leave init=False out"
                yield not_static(f"class {name} has no constructor of its fields (init=False)", help)
            if key in {("attr", "s"), ("attr", "attrs")} and _flag(decorator, "auto_attribs") != "True":
                help = "use attrs.define, or write auto_attribs=True and annotate every field"
                yield not_static(f"the fields of class {name} need not be annotated", help)
            if isinstance(decorator, cst.Call) and argument(decorator.args, "these") is not None:
                yield not_static(
                    f"class {name} has fields that are not in its body (these=)", "write them there"
                )
        elif key not in _HARMLESS_DECORATORS:
            yield not_static(
                f"class {name} has a decorator that may change its fields",
                "leave the decorator off, or cross with a class of your own that has the same fields",
            )


def _base_fault(reader: ReadsTypes, symbol: Defined, node: cst.BaseExpression) -> TypeFault | None:
    found, name = reader.symbol(node, Scope(symbol.module)), symbol.binding.name
    match found:
        case External() if (found.module, found.name) in _HARMLESS_BASES or (
            found.module,
            found.name,
        ) in BASES:
            return None
        case Missing():
            return unresolved(found)
        case External() if not found.is_known:
            return foreign(found)
        case Defined(binding=Class()):
            return None
        case External():
            return not_json(
                f"class {name} inherits from {found.name}, which is more than its fields",
                "leave the base out, or cross with a class that has fields only",
            )
        case _:
            return not_static(f"a base of class {name} is computed", "name a class")


def _decorators(symbol: Defined) -> list[cst.BaseExpression]:
    if not isinstance(symbol.binding, Class):
        return []
    return [item.decorator for item in symbol.binding.definition.decorators]


def _meaning(reader: ReadsTypes, symbol: Defined, decorator: cst.BaseExpression) -> Symbol | None:
    node = decorator.func if isinstance(decorator, cst.Call) else decorator
    return reader.symbol(node, Scope(symbol.module))


def _flag(decorator: cst.BaseExpression, name: str) -> str | None:
    value = argument(decorator.args, name) if isinstance(decorator, cst.Call) else None
    return value.value if isinstance(value, cst.Name) else None


def not_static(message: str, help: str) -> TypeFault:
    return TypeFault("PGF104", message, help)
