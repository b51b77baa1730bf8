"""What a field is bound to in the body of its class: a default, or a call that says more of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault
from pgflow_gen.analyze.types.generics import argument
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records.defaults import DefaultReader
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.ir.types import RecordKind
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.resolve import External

_CALLS: Mapping[RecordKind, frozenset[tuple[str, str]]] = {
    "dataclass": frozenset(
        {("dataclasses", "field"), ("pydantic", "Field"), ("pydantic.fields", "Field")}  # of its dataclasses
    ),
    "attrs": frozenset({("attr", "ib"), ("attr", "attrib"), ("attr", "field"), ("attrs", "field")}),
    "msgspec": frozenset({("msgspec", "field")}),
    "pydantic": frozenset({("pydantic", "Field"), ("pydantic.fields", "Field")}),
    "named_tuple": frozenset(),
}
_FACTORIES = ("default_factory", "factory")
_REFUSED = {
    "converter": "its converter takes other values than those it has",
    "validation_alias": "it is read by another name than it is written by",
    "serialization_alias": "it is written by another name than it is read by",
}


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A default that is computed is none on the wire: there the key is required."""

    default: str | None = None
    """JSON text."""
    alias: str | None = None
    """The name on the wire, by which the constructor takes it; not of msgspec."""
    faults: tuple[TypeFault, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class FieldValueReader:
    reader: ReadsTypes
    defaults: DefaultReader
    kind: RecordKind
    scope: Scope

    def read(self, node: cst.BaseExpression | None) -> FieldValue:
        """The value written behind a field's annotation."""
        if node is None or self._is_ellipsis(node):
            return FieldValue()
        if self.is_call(node):
            assert isinstance(node, cst.Call)
            return self._call(node)
        return FieldValue(self._default(node))

    def is_call(self, node: cst.BaseExpression) -> bool:
        """Whether it is ``field(...)``, ``Field(...)`` or whatever the class's library calls it."""
        if not isinstance(node, cst.Call):
            return False
        found = self.reader.symbol(node.func, self.scope)
        return isinstance(found, External) and (found.module, found.name) in _CALLS[self.kind]

    def with_metadata(self, value: FieldValue, nodes: list[cst.BaseExpression]) -> FieldValue:
        """The value, with what ``Annotated[T, Field(...)]`` says besides."""
        for node in nodes:
            if self.kind == "pydantic" and self.is_call(node):
                more = self.read(node)
                value = replace(
                    value,
                    default=value.default if value.default is not None else more.default,
                    alias=value.alias or more.alias,
                    faults=(*value.faults, *more.faults),
                )
        return value

    def _call(self, call: cst.Call) -> FieldValue:
        faults = tuple(self._faults(call))
        default, alias = argument(call.args, "default"), self._alias(call)
        if default is None and call.args and call.args[0].keyword is None:  # only pydantic's takes it so
            default = call.args[0].value
        text = None
        if default is not None and not self._is_ellipsis(default):
            text = self._default(default)
        for name in _FACTORIES:
            factory = argument(call.args, name)
            if factory is not None:
                text = self.defaults.of_factory(self.scope.module, factory)
        named = alias.evaluated_value if isinstance(alias, cst.SimpleString) else None
        return FieldValue(text, named if isinstance(named, str) else None, faults)

    def _alias(self, call: cst.Call) -> cst.BaseExpression | None:
        return argument(call.args, "name" if self.kind == "msgspec" else "alias")

    def _faults(self, call: cst.Call) -> Iterator[TypeFault]:
        if any(arg.star for arg in call.args):
            yield _static("what is said of it is not written out")
        init, exclude = argument(call.args, "init"), argument(call.args, "exclude")
        if init is not None and not _is_word(init, "True"):
            yield _static("the constructor does not take it (init=False)")
        if exclude is not None and not _is_word(exclude, "False", "None"):
            yield _static("it is left out when its object is written (exclude)")
        alias = self._alias(call)
        if alias is not None and not isinstance(alias, cst.SimpleString) and not _is_word(alias, "None"):
            yield _static("its alias is computed")
        for name, message in _REFUSED.items():
            value = argument(call.args, name)
            if value is None or _is_word(value, "None"):
                continue
            if not (isinstance(value, cst.SimpleString) and isinstance(alias, cst.SimpleString)) or (
                value.evaluated_value != alias.evaluated_value
            ):
                yield _static(message)

    def _default(self, node: cst.BaseExpression) -> str | None:
        """Also of ``attrs.Factory(list)``."""
        if isinstance(node, cst.Call) and node.args:
            found = self.reader.symbol(node.func, self.scope)
            if isinstance(found, External) and found.module in ("attr", "attrs") and found.name == "Factory":
                return self.defaults.of_factory(self.scope.module, node.args[0].value)
        return self.defaults.of_value(self.scope.module, node)

    def _is_ellipsis(self, node: cst.BaseExpression) -> bool:
        return isinstance(node, cst.Ellipsis) and self.kind in ("pydantic", "dataclass")


def _is_word(node: cst.BaseExpression, *words: str) -> bool:
    return isinstance(node, cst.Name) and node.value in words


def _static(message: str) -> TypeFault:
    return TypeFault("PGF104", message, "leave it out of the class that crosses, or make it a plain field")
