"""The fields that the body of one class declares itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from pgflow_gen.analyze.types.defaults import DefaultReader, typed_default
from pgflow_gen.analyze.types.faults import TypeFault, report
from pgflow_gen.analyze.types.fields import declarations
from pgflow_gen.analyze.types.generics import argument
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope, elements
from pgflow_gen.analyze.types.unsupported import canonical
from pgflow_gen.ir.types import Field
from pgflow_gen.source.index import Class
from pgflow_gen.source.parse import parse_expression
from pgflow_gen.source.resolve import Defined, External

_FIELD = External("dataclasses", "field")


@dataclass(frozen=True, slots=True)
class _Value:
    """What a field is bound to in the body of its class."""

    is_optional: bool = False
    default: str | None = None
    fault: TypeFault | None = None


@dataclass(frozen=True, slots=True)
class ClassFieldReader:
    reader: ReadsTypes
    symbol: Defined
    scope: Scope
    defaults: DefaultReader

    def fields(self) -> Iterator[Field]:
        """The class's own fields, in the order written."""
        binding = self.symbol.binding
        assert isinstance(binding, Class)
        for item in declarations(binding.definition.body):
            if not isinstance(item.target, cst.Name):
                continue
            annotation, qualifiers = self._strip(item.annotation.annotation)
            if "ClassVar" in qualifiers or "KW_ONLY" in qualifiers:
                continue
            yield self._field(item.target, annotation, qualifiers, item.value)

    def _field(
        self,
        name: cst.Name,
        annotation: cst.BaseExpression,
        qualifiers: set[str],
        value: cst.BaseExpression | None,
    ) -> Field:
        key, file = name.value, self.symbol.module.file
        faults: list[TypeFault] = []
        given = self._value(value)
        if given.fault is not None:
            faults.append(given.fault)
        if "InitVar" in qualifiers:
            faults.append(_static("it is an InitVar: the constructor takes it, a value has none"))
        if key.startswith("__"):
            faults.append(_static("its name is mangled for its two underscores"))
        found = self.reader.limit(self.reader.read(annotation, self.scope, faults), "field", faults)
        span = file.span(name)
        prefix = f"field {key!r} of {self.symbol.binding.name}: "
        report(self.reader.findings, file.span(annotation), faults, prefix=prefix, owner=span)
        default = typed_default(found, given.default)
        return Field(key, found, not given.is_optional, False, span, default)

    def _value(self, node: cst.BaseExpression | None) -> _Value:
        """A default that is computed is none on the wire: there the key is required."""
        if node is None:
            return _Value()
        if isinstance(node, cst.Call) and self.reader.symbol(node.func, self.scope) == _FIELD:
            return self._call(node)
        return self._default(self.defaults.of_value(self.symbol.module, node))

    def _call(self, call: cst.Call) -> _Value:
        if any(arg.star for arg in call.args):
            return _Value(fault=_static("the arguments of field(...) are not written out"))
        init = argument(call.args, "init")
        if init is not None and not (isinstance(init, cst.Name) and init.value == "True"):
            return _Value(fault=_static("the constructor does not take it (init=False)"))
        default, factory = argument(call.args, "default"), argument(call.args, "default_factory")
        if default is not None:
            return self._default(self.defaults.of_value(self.symbol.module, default))
        if factory is not None:
            return self._default(self.defaults.of_factory(self.symbol.module, factory))
        return _Value()

    def _default(self, text: str | None) -> _Value:
        return _Value(text is not None, text)

    def _strip(self, node: cst.BaseExpression) -> tuple[cst.BaseExpression, set[str]]:
        """The annotation without its qualifiers, and these by name."""
        found: set[str] = set()
        while True:
            if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
                text = node.evaluated_value
                inner = parse_expression(text) if isinstance(text, str) else None
                if inner is None:
                    return node, found
                node = inner
                continue
            head = node.value if isinstance(node, cst.Subscript) else node
            symbol = self.reader.symbol(head, self.scope)
            symbol = canonical(symbol) if isinstance(symbol, External) else None
            if symbol is None or (symbol.module, symbol.name) not in _QUALIFIERS:
                return node, found
            found.add(symbol.name)
            inside = elements(node) if isinstance(node, cst.Subscript) else None
            if not inside:
                return node, found
            node = inside[0]


_QUALIFIERS = frozenset(
    {
        ("typing", "ClassVar"),
        ("typing", "Final"),
        ("dataclasses", "InitVar"),
        ("dataclasses", "KW_ONLY"),
    }
)


def _static(message: str) -> TypeFault:
    return TypeFault("PGF104", message, "leave it out of the class that crosses, or make it a plain field")
