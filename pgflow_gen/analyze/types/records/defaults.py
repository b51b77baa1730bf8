"""What a field stands for that is left out, as far as it is written: literals, constants, members.

A value like ``timedelta(minutes=5)`` or ``Decimal("1.5")`` is made here, of literals, and written as text.
"""

from __future__ import annotations

import ast
import json
from typing import Any

import libcst as cst

from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records.models import kind_of
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.analyze.types.values.enums import EnumReader
from pgflow_gen.ir.types import FLOAT, EnumType, TypeExpr, without_bounds
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Assignment, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, External
from pgflow_shared.scalars import SCALARS

_EMPTY: dict[str, Any] = {
    "list": [],
    "tuple": [],
    "set": [],
    "frozenset": [],
    "dict": {},
    "str": "",
    "int": 0,
    "float": 0.0,
    "bool": False,
}
_OBJECTS = ("dataclass", "pydantic", "attrs", "msgspec")
_MOST_STEPS = 20
"""Constants that name constants that name constants."""


class Computed(Exception):
    """A value that only running the program would tell."""


@dataclass(frozen=True, slots=True)
class DefaultReader:
    reader: ReadsTypes
    enums: EnumReader

    def of_value(self, module: ModuleIndex, node: cst.BaseExpression) -> str | None:
        """The JSON text of a value; None for one that is computed."""
        try:
            return json.dumps(self._value(module, node, 0), allow_nan=False)
        except (Computed, ValueError, TypeError, ArithmeticError, SyntaxError):
            return None

    def of_factory(self, module: ModuleIndex, node: cst.BaseExpression) -> str | None:
        """The JSON text of what a function without arguments gives: ``list``, ``lambda: [1]``."""
        if isinstance(node, cst.Lambda):
            return self.of_value(module, node.body)
        symbol = self.reader.symbol(node, Scope(module)) if _is_name(node) else None
        if isinstance(symbol, External) and symbol.module == "builtins" and symbol.name in _EMPTY:
            return json.dumps(_EMPTY[symbol.name])
        return "{}" if isinstance(symbol, Defined) and kind_of(self.reader, symbol) in _OBJECTS else None

    def _value(self, module: ModuleIndex, node: cst.BaseExpression, steps: int) -> Any:
        match node:
            case cst.Name(value="None" | "True" | "False" as word):
                return ast.literal_eval(word)
            case cst.SimpleString() | cst.ConcatenatedString():
                text = node.evaluated_value
                return text if isinstance(text, str) else SCALARS["bytes"].encode(text)
            case cst.Integer() | cst.Float():
                return ast.literal_eval(node.value)
            case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer() | cst.Float() as number):
                return -ast.literal_eval(number.value)
            case cst.List(elements=elements) | cst.Tuple(elements=elements):
                return [self._value(module, element.value, steps) for element in elements]
            case cst.Dict(elements=elements):
                return dict(self._item(module, element, steps) for element in elements)
            case cst.Call():
                return self._call(module, node, steps)
            case cst.Attribute(value=owner, attr=cst.Name(value=name)):
                return self._attribute(module, node, owner, name, steps)
            case cst.Name():
                return self._constant(module, node, steps)
            case _:
                pass
        raise Computed

    def _call(self, module: ModuleIndex, call: cst.Call, steps: int) -> Any:
        """The text of one of the scalars that are made by their classes."""
        symbol = self.reader.symbol(call.func, Scope(module)) if _is_name(call.func) else None
        if (
            isinstance(symbol, External)
            and symbol.module == "builtins"
            and symbol.name in _EMPTY
            and not call.args
        ):
            return _EMPTY[symbol.name]
        if isinstance(symbol, Defined) and kind_of(self.reader, symbol) in _OBJECTS:
            return self._object(module, call, steps)
        scalar = SCALARS.get(symbol.name) if isinstance(symbol, External) else None
        if (
            scalar is None
            or symbol != External(scalar.module, scalar.name)
            or any(arg.star for arg in call.args)
        ):
            raise Computed
        given = [(arg.keyword, self._value(module, arg.value, steps)) for arg in call.args]
        positional = [value for name, value in given if name is None]
        named = {name.value: value for name, value in given if name is not None}
        return scalar.encode(scalar.make(*positional, **named))

    def _object(self, module: ModuleIndex, call: cst.Call, steps: int) -> dict[str, Any]:
        """Of a class: the keywords that it is called with (see ``object_defaults``)."""
        if any(arg.keyword is None for arg in call.args):
            raise Computed
        return {
            arg.keyword.value: self._value(module, arg.value, steps)
            for arg in call.args
            if arg.keyword is not None
        }

    def _item(self, module: ModuleIndex, element: cst.BaseDictElement, steps: int) -> tuple[str, Any]:
        if not isinstance(element, cst.DictElement):
            raise Computed
        key = self._value(module, element.key, steps)
        if not isinstance(key, str):
            raise Computed
        return key, self._value(module, element.value, steps)

    def _attribute(
        self, module: ModuleIndex, node: cst.Attribute, owner: cst.BaseExpression, name: str, steps: int
    ) -> Any:
        """A member of an enum (also its ``.value``), or a constant of another module."""
        symbol = self.reader.symbol(owner, Scope(module)) if _is_name(owner) else None
        if isinstance(symbol, Defined) and self.enums.is_enum(symbol):
            found = self.enums.read(symbol, [])
            if isinstance(found, EnumType):
                for member, value in found.members:
                    if member == name:
                        return value
            raise Computed
        if name == "value" and isinstance(owner, cst.Attribute):
            return self._value(module, owner, steps)
        return self._constant(module, node, steps)

    def _constant(self, module: ModuleIndex, node: cst.BaseExpression, steps: int) -> Any:
        symbol = self.reader.resolver.resolve(module, node)
        if steps < _MOST_STEPS and isinstance(symbol, Defined) and isinstance(symbol.binding, Assignment):
            bindings = symbol.module.bindings.get(symbol.binding.name, ())
            if len(bindings) == 1 and symbol.binding.value is not None and not symbol.binding.conditional:
                return self._value(symbol.module, symbol.binding.value, steps + 1)
        raise Computed


def typed_default(type_: TypeExpr, text: str | None) -> str | None:
    """The default as its type says: of a float ``1`` is ``1.0``."""
    if text is None or without_bounds(type_) != FLOAT:
        return text
    return json.dumps(float(json.loads(text)))


def _is_name(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name | cst.Attribute)
