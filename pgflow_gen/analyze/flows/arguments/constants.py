"""Option values: literals and what may be computed from them without running anything."""

from __future__ import annotations

import ast
import math
from dataclasses import field

import libcst as cst

from pgflow_gen.analyze.types.values.enums import EnumReader
from pgflow_gen.ir.flow import Json
from pgflow_gen.ir.types import EnumType
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Assignment, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, External, Missing, Resolver
from pgflow_shared.scalars import SCALARS

_WORDS: dict[str, bool | None] = {"True": True, "False": False, "None": None}
_MAX_DIGITS = 300
"""Integers longer than this are no option of anything; it also keeps products small."""


class NotStatic(Exception):
    """A value is not statically known. ``reason`` continues "... is not statically known: "."""

    def __init__(self, reason: str, help: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


class NotWire(NotStatic):
    """A value of a class that is a text on the wire: ``kind`` is its name."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"it holds a {kind}, which is no JSON")
        self.kind = kind


@dataclass(slots=True)
class Constants:
    """Evaluates option values; module-level constants are followed, also through imports."""

    resolver: Resolver
    enums: EnumReader
    _active: set[tuple[str, str]] = field(default_factory=set)

    def evaluate(self, module: ModuleIndex, node: cst.BaseExpression) -> Json:
        """The value of ``node``. Raises NotStatic."""
        try:
            return self._evaluate(module, node)
        except RecursionError:
            raise NotStatic("it goes through too many other constants") from None

    def _evaluate(self, module: ModuleIndex, node: cst.BaseExpression) -> Json:
        match node:
            case cst.Integer() | cst.Float():
                return _number(node.value)
            case cst.SimpleString() | cst.ConcatenatedString():
                return _string(node)
            case cst.Name(value=name) if name in _WORDS:
                return _WORDS[name]
            case cst.Attribute() if (member := self._member(module, node)) is not None:
                return member
            case cst.Name() | cst.Attribute():
                return self._constant(module, node)
            case cst.Call(func=cst.Name() | cst.Attribute()):
                raise self._call(module, node)
            case cst.UnaryOperation():
                return self._unary(module, node)
            case cst.BinaryOperation():
                return self._binary(module, node)
            case cst.List() | cst.Tuple():
                return self._list(module, node)
            case cst.Dict():
                return self._dict(module, node)
            case _:
                raise NotStatic(f"it is {_kind(node)}")

    def definition(
        self, module: ModuleIndex, node: cst.BaseExpression
    ) -> tuple[ModuleIndex, cst.BaseExpression]:
        """The value a constant's name is bound to, and its module. Raises NotStatic."""
        symbol = self.resolver.resolve(module, node)
        text = module.file.code(node)
        if isinstance(symbol, Missing):
            raise NotStatic(f"cannot resolve {symbol.name!r}: {symbol.reason}", symbol.help)
        if not isinstance(symbol, Defined):
            raise NotStatic(f"{text} is no constant of this project")
        bindings = symbol.module.bindings[symbol.binding.name]
        if len(bindings) > 1:
            lines = ", ".join(str(symbol.module.file.span(item.node).line) for item in bindings)
            raise NotStatic(f"{symbol.binding.name} is bound more than once ({symbol.module.path}:{lines})")
        elsewhere = symbol.module.globals.get(symbol.binding.name)
        if elsewhere is not None:
            place = symbol.module.file.span(elsewhere)
            raise NotStatic(f"{symbol.binding.name} is declared global, to be bound again ({place})")
        if not isinstance(symbol.binding, Assignment):
            raise NotStatic(f"{text} is no constant")
        if symbol.binding.conditional:
            raise NotStatic(f"{symbol.binding.name} is bound conditionally")
        if symbol.binding.value is None:
            raise NotStatic(f"{symbol.binding.name} has no value")
        return symbol.module, symbol.binding.value

    def _constant(self, module: ModuleIndex, node: cst.BaseExpression) -> Json:
        owner, value = self.definition(module, node)
        key = (owner.name, module.file.code(node))
        if key in self._active:
            raise NotStatic(f"{key[1]} is defined by itself")
        self._active.add(key)
        try:
            return self.evaluate(owner, value)
        finally:
            self._active.discard(key)

    def _member(self, module: ModuleIndex, node: cst.Attribute) -> str | int | None:
        """The value of an enum's member, which is what crosses; also of its ``.value``."""
        if node.attr.value == "value" and isinstance(node.value, cst.Attribute):
            return self._member(module, node.value)
        found = self.resolver.resolve(module, node.value)
        symbol = None if found is None else self.resolver.follow(found)
        if not isinstance(symbol, Defined) or not self.enums.is_enum(symbol):
            return None
        enum = self.enums.read(symbol, [])
        if not isinstance(enum, EnumType):
            return None
        return next((value for name, value in enum.members if name == node.attr.value), None)

    def _call(self, module: ModuleIndex, call: cst.Call) -> NotStatic:
        function = self.resolver.resolve(module, call.func)
        symbol = None if function is None else self.resolver.follow(function)
        scalar = SCALARS.get(symbol.name) if isinstance(symbol, External) else None
        if scalar is not None and symbol == External(scalar.module, scalar.name):
            return NotWire(scalar.name)
        return NotStatic("it is a call")

    def _unary(self, module: ModuleIndex, node: cst.UnaryOperation) -> Json:
        value = self.evaluate(module, node.expression)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotStatic("only numbers have a sign")
        if isinstance(node.operator, cst.Minus):
            return -value
        if isinstance(node.operator, cst.Plus):
            return value
        raise NotStatic(f"it uses the operator {module.file.code(node.operator)}")

    def _binary(self, module: ModuleIndex, node: cst.BinaryOperation) -> Json:
        operator = module.file.code(node.operator)
        left, right = self.evaluate(module, node.left), self.evaluate(module, node.right)
        if operator not in {"+", "-", "*", "//"}:
            raise NotStatic(f"it uses the operator {operator}", "only + - * // are computed")
        if not _is_int(left) or not _is_int(right):
            raise NotStatic(f"{operator} is computed for integers only")
        assert isinstance(left, int)
        assert isinstance(right, int)
        if operator == "//":
            if right == 0:
                raise NotStatic("it divides by zero")
            return left // right
        value = left + right if operator == "+" else left - right if operator == "-" else left * right
        if abs(value) >= 10**_MAX_DIGITS:
            raise NotStatic("the number is too large")
        return value

    def _list(self, module: ModuleIndex, node: cst.List | cst.Tuple) -> list[Json]:
        if any(isinstance(element, cst.StarredElement) for element in node.elements):
            raise NotStatic("it unpacks with *", "write the elements out")
        return [self.evaluate(module, element.value) for element in node.elements]

    def _dict(self, module: ModuleIndex, node: cst.Dict) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for element in node.elements:
            if not isinstance(element, cst.DictElement):
                raise NotStatic("it unpacks with **", "write the keys out")
            key = self.evaluate(module, element.key)
            if not isinstance(key, str):
                raise NotStatic("a key of it is not a string", "JSON objects have string keys")
            found[key] = self.evaluate(module, element.value)
        return found


def _is_int(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(text: str) -> Json:
    if len(text) > _MAX_DIGITS:
        raise NotStatic("the number is too large")
    value = ast.literal_eval(text)
    if isinstance(value, float) and not math.isfinite(value):
        raise NotStatic("the number is infinite, which JSON cannot say")
    return value if isinstance(value, int | float) else None


def _string(node: cst.SimpleString | cst.ConcatenatedString) -> str:
    try:
        value = node.evaluated_value
    except (ValueError, SyntaxError):
        value = None
    if isinstance(value, bytes):
        raise NotStatic("bytes are not JSON")
    if value is None:
        raise NotStatic("it is an f-string", "write the text out")
    return value


def _kind(node: cst.BaseExpression) -> str:
    match node:
        case cst.Call():
            return "a call"
        case cst.FormattedString():
            return "an f-string"
        case cst.IfExp():
            return "a conditional expression"
        case cst.ListComp() | cst.DictComp() | cst.SetComp() | cst.GeneratorExp():
            return "a comprehension"
        case cst.Lambda():
            return "a function"
        case cst.Set():
            return "a set, which is not JSON"
        case cst.Subscript():
            return "a subscript"
        case cst.Imaginary():
            return "a complex number, which is not JSON"
        case _:
            return "an expression that would have to be run"
