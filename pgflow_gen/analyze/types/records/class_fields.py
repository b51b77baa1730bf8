"""The fields that the body of one class declares itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault, report
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records import pydantic_config
from pgflow_gen.analyze.types.records.constraints import ConstraintReader, bounded
from pgflow_gen.analyze.types.records.defaults import DefaultReader, typed_default
from pgflow_gen.analyze.types.records.field_values import FieldValueReader
from pgflow_gen.analyze.types.records.fields import declarations
from pgflow_gen.analyze.types.records.msgspec_names import rename_of, renamed
from pgflow_gen.analyze.types.scope import Scope, elements
from pgflow_gen.analyze.types.unsupported import canonical
from pgflow_gen.ir.types import Field, RecordKind
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Class
from pgflow_gen.source.names.resolve import Defined, External
from pgflow_gen.source.parsing.parse import unquoted

_QUALIFIERS = frozenset(
    {
        ("typing", "Annotated"),
        ("typing", "ClassVar"),
        ("typing", "Final"),
        ("dataclasses", "InitVar"),
        ("dataclasses", "KW_ONLY"),
    }
)


@dataclass(slots=True)
class _Declared:
    """A field's type without its qualifiers, these by name, and what ``Annotated`` says besides."""

    node: cst.BaseExpression
    qualifiers: set[str] = field(default_factory=set)
    metadata: list[cst.BaseExpression] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClassFieldReader:
    reader: ReadsTypes
    symbol: Defined
    scope: Scope
    kind: RecordKind
    defaults: DefaultReader
    constraints: ConstraintReader

    def fields(self) -> Iterator[Field]:
        """The class's own fields, in the order written."""
        binding = self.symbol.binding
        assert isinstance(binding, Class)
        for item in declarations(binding.definition.body):
            if not isinstance(item.target, cst.Name) or self._is_private(item.target.value):
                continue
            declared = self._strip(item.annotation.annotation)
            if declared.qualifiers.isdisjoint({"ClassVar", "KW_ONLY"}):
                yield self._field(item.target, declared, item.annotation.annotation, item.value)

    def _is_private(self, name: str) -> bool:
        return self.kind == "pydantic" and (name.startswith("_") or name == pydantic_config.NAME)

    def _field(
        self,
        name: cst.Name,
        declared: _Declared,
        annotation: cst.BaseExpression,
        value: cst.BaseExpression | None,
    ) -> Field:
        attribute, file = name.value, self.symbol.module.file
        values = FieldValueReader(self.reader, self.defaults, self.kind, self.scope)
        given = values.with_metadata(values.read(value), declared.metadata)
        faults = [*given.faults, *self._name_faults(attribute, declared.qualifiers)]
        found = self.reader.limit(self.reader.read(declared.node, self.scope, faults), "field", faults)
        faults = [self._with_nested(fault) for fault in faults]
        said = [*declared.metadata, *([value] if value is not None and values.is_call(value) else [])]
        metadata = self.constraints.read(said, self.scope, faults)
        found = bounded(found, metadata.bounds, [] if self.kind == "pydantic" else faults)
        span = file.span(name)
        prefix = f"field {attribute!r} of {self.symbol.binding.name}: "
        report(self.reader.findings, file.span(annotation), faults, prefix=prefix, owner=span)
        default = typed_default(found, given.default)
        key = given.alias or self._key(attribute)
        return Field(
            key, found, default is None, False, span, default, None if key == attribute else attribute
        )

    def _with_nested(self, fault: TypeFault) -> TypeFault:
        """A name that cannot be resolved may be of a class in this one."""
        binding = self.symbol.binding
        assert isinstance(binding, Class)
        inner = {item.name.value for item in binding.definition.body.body if isinstance(item, cst.ClassDef)}
        if fault.code == "PGF103" and any(f"cannot resolve {name!r}" in fault.message for name in inner):
            return replace(
                fault, help="write that class at module level: those inside of others are not read"
            )
        return fault

    def _key(self, attribute: str) -> str:
        """The name on the wire: attrs leaves underscores in front out, msgspec may rename."""
        if self.kind == "msgspec":
            return renamed(attribute, rename_of(self.reader, self.symbol))
        return attribute.lstrip("_") or attribute if self.kind == "attrs" else attribute

    def _name_faults(self, attribute: str, qualifiers: set[str]) -> Iterator[TypeFault]:
        if "InitVar" in qualifiers:
            yield _static("it is an InitVar: the constructor takes it, a value has none")
        if "Final" in qualifiers and self.kind == "pydantic":
            yield _static("it is Final, which pydantic may take for no field")
        if attribute.startswith("__"):
            yield _static("its name is mangled for its two underscores")

    def _strip(self, node: cst.BaseExpression) -> _Declared:
        declared = _Declared(node)
        while True:
            node = declared.node
            if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
                inner = unquoted(node)
                if inner is None:
                    return declared
                declared.node = inner
                continue
            head = node.value if isinstance(node, cst.Subscript) else node
            symbol = self.reader.symbol(head, self.scope)
            symbol = canonical(symbol) if isinstance(symbol, External) else None
            if symbol is None or (symbol.module, symbol.name) not in _QUALIFIERS:
                return declared
            inside = elements(node) if isinstance(node, cst.Subscript) else None
            if symbol.name != "Annotated":
                declared.qualifiers.add(symbol.name)
            if not inside:
                return declared
            declared.node = inside[0]
            declared.metadata += inside[1:]


def _static(message: str) -> TypeFault:
    return TypeFault("PGF104", message, "leave it out of the class that crosses, or make it a plain field")
