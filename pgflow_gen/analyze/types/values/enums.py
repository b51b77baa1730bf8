"""Enums: their members' names and values, read from the class's body."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import field, replace
from typing import Literal, TypeAlias

import libcst as cst

from pgflow_gen.analyze.types.classes import base_nodes
from pgflow_gen.analyze.types.faults import TypeFault, not_json, unstorable
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.ir.types import UNKNOWN, EnumType, TypeExpr, TypeKey
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import is_storable
from pgflow_gen.source.names.index import Class
from pgflow_gen.source.names.resolve import Defined, External

_Base: TypeAlias = Literal["str", "int"] | None
_BASES: dict[tuple[str, str], _Base] = {
    ("enum", "Enum"): None,
    ("enum", "StrEnum"): "str",
    ("enum", "IntEnum"): "int",
}
_OWN_VALUES = frozenset({"__new__", "__init__", "_generate_next_value_"})
"""Methods that may give members other values than those written."""


@dataclass(slots=True)
class EnumReader:
    reader: ReadsTypes
    _done: dict[tuple[str, str], tuple[TypeExpr, tuple[TypeFault, ...]]] = field(default_factory=dict)

    def is_enum(self, symbol: Defined) -> bool:
        """Whether ``symbol`` is a class that inherits from Enum, StrEnum or IntEnum."""
        return self._root(symbol, set()) is not None

    def read(self, symbol: Defined, faults: list[TypeFault]) -> TypeExpr:
        """The enum that ``symbol`` is; one that cannot be read is UNKNOWN, with its faults."""
        if symbol.key not in self._done:
            own: list[TypeFault] = []
            found = self._read(symbol, own)
            self._done[symbol.key] = (found, tuple(own))
        found, own_faults = self._done[symbol.key]
        faults.extend(own_faults)
        return found

    def member(self, node: cst.BaseExpression, scope: Scope) -> EnumType | None:
        """``Colour.RED`` as a type of that member alone; None for what is none."""
        if not isinstance(node, cst.Attribute) or not isinstance(node.value, cst.Name | cst.Attribute):
            return None
        symbol = self.reader.symbol(node.value, scope)
        if not isinstance(symbol, Defined) or not self.is_enum(symbol):
            return None
        found = self.read(symbol, [])
        if not isinstance(found, EnumType):
            return None
        chosen = tuple(item for item in found.members if item[0] == node.attr.value)
        return replace(found, members=chosen, is_whole=False) if chosen else None

    def _root(self, symbol: Defined, seen: set[tuple[str, str]]) -> External | None:
        if not isinstance(symbol.binding, Class) or symbol.key in seen:
            return None
        seen.add(symbol.key)
        for node in base_nodes(symbol.binding.definition):
            base = self.reader.symbol(node, Scope(symbol.module))
            if isinstance(base, External) and (base.module, base.name) in _BASES:
                return base
            root = self._root(base, seen) if isinstance(base, Defined) else None
            if root is not None:
                return root
        return None

    def _read(self, symbol: Defined, faults: list[TypeFault]) -> TypeExpr:
        root, binding = self._root(symbol, set()), symbol.binding
        assert root is not None
        assert isinstance(binding, Class)
        base = self._mixed_in(symbol, set()) or _BASES[root.module, root.name]
        own_values = sorted(_OWN_VALUES & self._methods(symbol, set()))
        if own_values:
            faults.append(
                not_json(
                    f"enum {binding.name} has {own_values[0]}, which may change its members' values",
                    "write the values out as strings or integers, and compute the rest in a property",
                )
            )
            return UNKNOWN
        members: list[tuple[str, str | int]] = []
        for name, node in _assignments(binding.definition.body):
            value = self._value(symbol, root, name, node, [value for _, value in members])
            if value is None or (base is not None and type(value).__name__ != base):
                faults.append(_no_literal(symbol, name, node))
                return UNKNOWN
            if isinstance(value, str) and not is_storable(value):
                faults.append(unstorable(f"member {name} of enum {binding.name}"))
                return UNKNOWN
            if value not in [known for _, known in members]:  # else an alias of the first of that value
                members.append((name, value))
        if not members:
            faults.append(not_json(f"enum {binding.name} has no members", "name an enum that has members"))
            return UNKNOWN
        return EnumType(TypeKey(*symbol.key), tuple(members), base)

    def _mixed_in(self, symbol: Defined, seen: set[tuple[str, str]]) -> _Base:
        """``str`` of ``class Color(str, Enum)``, also by way of a base."""
        if not isinstance(symbol.binding, Class) or symbol.key in seen:
            return None
        seen.add(symbol.key)
        for node in base_nodes(symbol.binding.definition):
            base = self.reader.symbol(node, Scope(symbol.module))
            if base == External("builtins", "str"):
                return "str"
            if base == External("builtins", "int"):
                return "int"
            mixed_in = self._mixed_in(base, seen) if isinstance(base, Defined) else None
            if mixed_in is not None:
                return mixed_in
        return None

    def _methods(self, symbol: Defined, seen: set[tuple[str, str]]) -> set[str]:
        if not isinstance(symbol.binding, Class) or symbol.key in seen:
            return set()
        seen.add(symbol.key)
        definition = symbol.binding.definition
        found = {item.name.value for item in definition.body.body if isinstance(item, cst.FunctionDef)}
        for node in base_nodes(definition):
            base = self.reader.symbol(node, Scope(symbol.module))
            if isinstance(base, Defined):
                found |= self._methods(base, seen)
        return found

    def _value(
        self, symbol: Defined, root: External, name: str, node: cst.BaseExpression, before: list[str | int]
    ) -> str | int | None:
        if isinstance(node, cst.Call):
            function = self.reader.symbol(node.func, Scope(symbol.module))
            if function != External("enum", "auto") or node.args:
                return None
            if root.name == "StrEnum":
                return name.lower()
            if self._mixed_in(symbol, set()) == "str" or any(isinstance(value, str) for value in before):
                return None
            return max((value for value in before if isinstance(value, int)), default=0) + 1
        return literal_text_or_number(symbol.module.file.code(node), node)


def literal_text_or_number(code: str, node: cst.BaseExpression) -> str | int | None:
    """The string or integer that is written there; None for anything else."""
    if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
        text = node.evaluated_value
        return text if isinstance(text, str) else None
    if isinstance(node, cst.Integer) or (
        isinstance(node, cst.UnaryOperation)
        and isinstance(node.operator, cst.Minus)
        and isinstance(node.expression, cst.Integer)
    ):
        value = ast.literal_eval(code)
        return value if isinstance(value, int) else None
    return None


def _assignments(body: cst.BaseSuite) -> Iterator[tuple[str, cst.BaseExpression]]:
    """The names a body binds that become members, with what they are bound to."""
    for statement in body.body:
        for part in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            targets: list[cst.BaseExpression] = []
            value: cst.BaseExpression | None = None
            if isinstance(part, cst.Assign):
                targets, value = [item.target for item in part.targets], part.value
            elif isinstance(part, cst.AnnAssign):
                targets, value = [part.target], part.value
            for target in targets:
                if value is not None and isinstance(target, cst.Name) and not target.value.startswith("_"):
                    yield target.value, value


def _no_literal(symbol: Defined, name: str, node: cst.BaseExpression) -> TypeFault:
    span = symbol.module.file.span(node)
    return TypeFault(
        "PGF302",
        f"member {name} of enum {symbol.binding.name} has a value that is no literal string or integer",
        "give every member a literal string or integer that fits the enum's base",
        (f"it is bound at {span.path}:{span.line}",),
    )
