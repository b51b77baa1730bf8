"""Classes with fields that cross as objects: which classes are of that kind, and what in them forbids it."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from pgflow_gen.analyze.types.classes import base_nodes
from pgflow_gen.analyze.types.faults import TypeFault, foreign, not_json, unresolved
from pgflow_gen.analyze.types.generics import argument
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.ir.types import RecordKind
from pgflow_gen.source.index import Class
from pgflow_gen.source.resolve import Defined, External, Missing, Symbol

_KINDS: dict[tuple[str, str], RecordKind] = {("dataclasses", "dataclass"): "dataclass"}
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


def kind_of(reader: ReadsTypes, symbol: Defined) -> RecordKind | None:
    """What kind of class with fields ``symbol`` is; None for any other thing."""
    for decorator in _decorators(symbol):
        found = _meaning(reader, symbol, decorator)
        if isinstance(found, External) and (found.module, found.name) in _KINDS:
            return _KINDS[found.module, found.name]
    return None


def refusals(reader: ReadsTypes, symbol: Defined) -> Iterator[TypeFault]:
    """Why the class cannot be made of its fields, or its fields not be known from its text."""
    binding = symbol.binding
    assert isinstance(binding, Class)
    definition, name = binding.definition, binding.name
    for decorator in _decorators(symbol):
        found = _meaning(reader, symbol, decorator)
        if isinstance(found, External) and (found.module, found.name) in _KINDS:
            if _is_false(decorator, "init"):
                yield _not_static(
                    f"class {name} has no constructor of its fields (init=False)", "leave init=False out"
                )
        elif not isinstance(found, External) or (found.module, found.name) not in _HARMLESS_DECORATORS:
            yield _not_static(
                f"class {name} has a decorator that may change its fields",
                "leave the decorator off, or cross with a class of your own that has the same fields",
            )
    if argument(definition.keywords, "metaclass") is not None:
        yield _not_static(f"class {name} has a metaclass, which may change its fields", "leave it out")
    methods = {item.name.value for item in definition.body.body if isinstance(item, cst.FunctionDef)}
    if "__init__" in methods:
        yield _not_static(
            f"class {name} has an __init__ of its own, so it cannot be made of its fields",
            "leave it out, and check or complete values in __post_init__",
        )
    if any(base.star for base in definition.bases):
        yield _not_static(f"the bases of class {name} are not written out", "name them")
    for node in base_nodes(definition):
        fault = _base_fault(reader, symbol, node)
        if fault is not None:
            yield fault


def _base_fault(reader: ReadsTypes, symbol: Defined, node: cst.BaseExpression) -> TypeFault | None:
    found, name = reader.symbol(node, Scope(symbol.module)), symbol.binding.name
    match found:
        case External() if (found.module, found.name) in _HARMLESS_BASES:
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
            return _not_static(f"a base of class {name} is computed", "name a class")


def _decorators(symbol: Defined) -> list[cst.BaseExpression]:
    if not isinstance(symbol.binding, Class):
        return []
    return [item.decorator for item in symbol.binding.definition.decorators]


def _meaning(reader: ReadsTypes, symbol: Defined, decorator: cst.BaseExpression) -> Symbol | None:
    node = decorator.func if isinstance(decorator, cst.Call) else decorator
    return reader.symbol(node, Scope(symbol.module))


def _is_false(decorator: cst.BaseExpression, flag: str) -> bool:
    value = argument(decorator.args, flag) if isinstance(decorator, cst.Call) else None
    return isinstance(value, cst.Name) and value.value == "False"


def _not_static(message: str, help: str) -> TypeFault:
    return TypeFault("PGF104", message, help)
