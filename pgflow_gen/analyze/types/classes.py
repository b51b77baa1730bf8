"""Classes and functions of the project that are no types: what they are, and what to use instead."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault, foreign, not_json, unresolved
from pgflow_gen.source.names.index import Assignment, Class, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, External, Missing, Resolver

_TYPED_DICT = "make it a dataclass, or declare it as a TypedDict"
_DATACLASS = ("dataclass", "decorate it, too: it has no fields of its own without")
_DECORATORS = dict.fromkeys(
    [(home, "dataclass") for home in ("dataclasses", "pydantic.dataclasses")], _DATACLASS
)
_ATTRS_MODULES = frozenset({"attr", "attrs"})
_SCALARS = frozenset({"str", "int", "float"})
_ENUMS = frozenset({"Flag", "IntFlag"})


def unsupported_class(resolver: Resolver, symbol: Defined) -> TypeFault:
    """Why a class that is no TypedDict cannot cross a step boundary."""
    name = symbol.binding.name
    kind, help = _kind(resolver, symbol, set())
    if kind is None:
        base = _unknown_base(resolver, symbol)
        if isinstance(base, External):
            return foreign(base)
        if isinstance(base, Missing):
            span = symbol.module.file.span(symbol.binding.node)
            note = f"it is a base of class {name}, declared at {span.path}:{span.line}"
            fault = unresolved(base)
            return replace(fault, notes=(*fault.notes, note))
        return not_json(f"class {name} is not JSON", help)
    return not_json(f"{kind} {name} is not JSON", help)


def _kind(resolver: Resolver, symbol: Defined, seen: set[tuple[str, str]]) -> tuple[str | None, str]:
    binding = symbol.binding
    if not isinstance(binding, Class) or symbol.key in seen:
        return None, _TYPED_DICT
    seen.add(symbol.key)
    for decorator in binding.definition.decorators:
        node = decorator.decorator
        found = resolver.resolve(symbol.module, node.func if isinstance(node, cst.Call) else node)
        if isinstance(found, External):
            if (found.module, found.name) in _DECORATORS:
                return _DECORATORS[found.module, found.name]
            if found.module in _ATTRS_MODULES:
                return "attrs class", "decorate it with attrs.define"
    for base in base_nodes(binding.definition):
        found = resolver.resolve(symbol.module, base)
        if isinstance(found, External):
            kind = _external_kind(found, binding.definition)
        elif isinstance(found, Defined):
            kind = _kind(resolver, found, seen)
        else:
            continue
        if kind[0] is not None:
            return kind
    return _scalar(resolver, symbol.module, binding.definition) or (None, _TYPED_DICT)


def _scalar(resolver: Resolver, module: ModuleIndex, definition: cst.ClassDef) -> tuple[str, str] | None:
    """A class that is a number or a text of its own; asked last, as an enum may be one too."""
    for base in base_nodes(definition):
        found = resolver.resolve(module, base)
        if isinstance(found, External) and found.module == "builtins" and found.name in _SCALARS:
            return f"{found.name} subclass", f"use {found.name}, and send {found.name}(value)"
    return None


def base_nodes(definition: cst.ClassDef) -> list[cst.BaseExpression]:
    """The base classes' names, type arguments removed."""
    return [
        base.value.value if isinstance(base.value, cst.Subscript) else base.value
        for base in definition.bases
        if base.star == ""
    ]


def _external_kind(base: External, definition: cst.ClassDef) -> tuple[str | None, str]:
    top = base.module.split(".")[0]
    if base.module == "enum" and base.name in _ENUMS:
        return "enum", "use int: send value.value, and make a value of it in the handler"
    if top in {"pydantic", "pydantic_settings"}:
        return f"{base.name} of pydantic", "inherit from pydantic.BaseModel, with the values as fields"
    if top == "msgspec":
        return f"{base.name} of msgspec", "inherit from msgspec.Struct"
    if base.is_typing("Protocol"):
        return "protocol", _TYPED_DICT
    return None, _TYPED_DICT


def _unknown_base(resolver: Resolver, symbol: Defined) -> External | Missing | None:
    """A base that is undefined or of an installed distribution: it may be a TypedDict, nobody can know."""
    if not isinstance(symbol.binding, Class):
        return None
    for base in base_nodes(symbol.binding.definition):
        found = resolver.resolve(symbol.module, base)
        if isinstance(found, Missing) or (isinstance(found, External) and not found.is_known):
            return found
    return None


def unsupported_function(symbol: Defined) -> TypeFault:
    """A function named as a type; likely a handler that is called like a builtin."""
    name = symbol.binding.name
    place = f"{symbol.module.path}:{symbol.module.file.span(symbol.binding.node).line}"
    if name in {"list", "dict", "str", "int", "float", "bool", "object"}:
        return TypeFault(
            "PGF302",
            f"{name!r} is not a type here: the function {name!r} hides the builtin",
            f"name the function {name}_ and pass slug={name!r}",
            (f"function {name!r} is defined at {place}",),
        )
    return TypeFault("PGF302", f"{name!r} is a function, not a type", None, (f"it is defined at {place}",))


def bound_twice(symbol: Defined) -> TypeFault | None:
    """A type's name that its module binds more than once: Python takes the last, type checkers the first."""
    name = symbol.binding.name
    bindings = [
        item
        for item in symbol.module.bindings.get(name, ())
        if not item.conditional and not (isinstance(item, Assignment) and item.value is None)
    ]
    if len(bindings) < 2:
        return None
    lines = " and ".join(str(symbol.module.file.span(item.node).line) for item in bindings)
    return TypeFault(
        "PGF103",
        f"cannot resolve {name!r}: it is bound more than once",
        "give each its own name: Python takes the last one, type checkers take the first",
        (f"it is bound at {symbol.module.path}, lines {lines}",),
    )
