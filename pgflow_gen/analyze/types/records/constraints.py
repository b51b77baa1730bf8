"""What ``Annotated`` says besides the type: bounds of annotated-types, pydantic and msgspec; ``Default``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault, not_json, unresolved
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records.defaults import DefaultReader
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.ir.types import (
    BoundedType,
    DictType,
    ListType,
    Primitive,
    TypeExpr,
    UnionType,
    UnknownType,
)
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.resolve import External, Missing

_ORDER = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_NAMED = {
    **_ORDER,
    "multiple_of": "multipleOf",
    "min_length": "min",
    "max_length": "max",
    "pattern": "pattern",
}
_POSITIONAL = {
    "Ge": ("ge",),
    "Gt": ("gt",),
    "Le": ("le",),
    "Lt": ("lt",),
    "Interval": ("gt", "ge", "lt", "le"),
    "MultipleOf": ("multiple_of",),
    "MinLen": ("min_length",),
    "MaxLen": ("max_length",),
    "Len": ("min_length", "max_length"),
}
"""Of annotated-types: what their arguments are, in their order."""
_KEYWORDED = frozenset(
    {
        ("pydantic", "Field"),
        ("pydantic.fields", "Field"),
        ("pydantic", "StringConstraints"),
        ("pydantic.types", "StringConstraints"),
        ("msgspec", "Meta"),
    }
)
_LENGTHS = {"str": "Length", "list": "Items", "dict": "Properties"}


@dataclass(slots=True)
class Metadata:
    """What stands behind the type in ``Annotated[T, ...]``."""

    bounds: dict[str, Any] = field(default_factory=dict)
    """By the words of ``Field(...)``: ``ge``, ``max_length``, ..."""
    default: str | None = None
    """JSON text."""


@dataclass(frozen=True, slots=True)
class ConstraintReader:
    reader: ReadsTypes
    defaults: DefaultReader

    def read(self, nodes: Sequence[cst.BaseExpression], scope: Scope, faults: list[TypeFault]) -> Metadata:
        """The bounds and the default among ``nodes``; what else is there says nothing to us."""
        found = Metadata()
        for node in nodes:
            if not isinstance(node, cst.Call):
                continue
            symbol = self.reader.symbol(node.func, scope)
            if isinstance(symbol, Missing):
                faults.append(unresolved(symbol))  # it may be a bound
            if not isinstance(symbol, External):
                continue
            if symbol.is_runtime("Default"):
                self._default(node, scope, found, faults)
                continue
            names = _names_of(symbol)
            if names is not None:
                found.bounds.update(self._arguments(node, names, scope, faults))
        return found

    def _default(self, call: cst.Call, scope: Scope, found: Metadata, faults: list[TypeFault]) -> None:
        text = self.defaults.of_value(scope.module, call.args[0].value) if len(call.args) == 1 else None
        if text is None:
            faults.append(_computed(scope, call))
        found.default = text

    def _arguments(
        self, call: cst.Call, names: tuple[str, ...], scope: Scope, faults: list[TypeFault]
    ) -> Iterator[tuple[str, Any]]:
        for at, arg in enumerate(call.args):
            name = arg.keyword.value if arg.keyword is not None else names[at] if at < len(names) else ""
            if arg.star or name not in _NAMED:
                continue
            text = self.defaults.of_value(scope.module, arg.value)
            if text is None:
                faults.append(_computed(scope, arg.value))
            elif (value := json.loads(text)) is not None:
                yield name, value


def _names_of(symbol: External) -> tuple[str, ...] | None:
    """What the positional arguments of a constraint are called; None for what is none."""
    if symbol.module == "annotated_types":
        return _POSITIONAL.get(symbol.name)
    return () if (symbol.module, symbol.name) in _KEYWORDED else None


def bounded(found: TypeExpr, bounds: dict[str, Any], faults: list[TypeFault]) -> TypeExpr:
    """``found`` within ``bounds``; a bound that its texts and objects cannot be held to is a fault."""
    if not bounds or isinstance(found, UnknownType):
        return found
    kinds = {_kind(member) for member in (found.members if isinstance(found, UnionType) else (found,))}
    keywords: dict[str, Any] = {}
    for name, value in bounds.items():
        if name in ("min_length", "max_length"):
            words = [_NAMED[name] + _LENGTHS[kind] for kind in sorted(kinds & _LENGTHS.keys())]
        elif name == "pattern":
            words = ["pattern"] if "str" in kinds and isinstance(value, str) else []
        else:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            words = [_NAMED[name]] if "number" in kinds and is_number else []
        if not words:
            faults.append(
                not_json(
                    f"{name}={value!r} cannot be checked for {found} on the wire",
                    "bounds are for numbers and lengths of str, list and dict: check it in the handler",
                )
            )
        keywords.update(dict.fromkeys(words, value))
    return BoundedType(found, tuple(sorted(keywords.items()))) if keywords else found


def _kind(type_: TypeExpr) -> str:
    match type_:
        case Primitive(name="int" | "float"):
            return "number"
        case Primitive(name=name):
            return name
        case ListType():
            return "list"
        case DictType():
            return "dict"
        case BoundedType(base=base):
            return _kind(base)
        case _:
            return "other"


def _computed(scope: Scope, node: cst.BaseExpression) -> TypeFault:
    return TypeFault(
        "PGF104",
        f"{scope.module.file.code(node)} is not statically known",
        "write a literal, or a module-level constant bound once to one",
    )
