"""TypedDicts and classes with fields to records: inheritance, qualifiers, type arguments."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import field, replace

import libcst as cst

from pgflow_gen.analyze.types.classes import base_nodes
from pgflow_gen.analyze.types.faults import TypeFault, report
from pgflow_gen.analyze.types.generics import argument, bind, free_variables, parameters_of
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records import pydantic_config
from pgflow_gen.analyze.types.records.class_fields import ClassFieldReader
from pgflow_gen.analyze.types.records.constraints import ConstraintReader
from pgflow_gen.analyze.types.records.defaults import DefaultReader
from pgflow_gen.analyze.types.records.fields import FieldReader
from pgflow_gen.analyze.types.records.models import kind_of, refusals
from pgflow_gen.analyze.types.records.object_defaults import with_whole_defaults
from pgflow_gen.analyze.types.scope import Scope, Variable, elements
from pgflow_gen.ir.types import UNKNOWN, ClassRef, Field, Record, RecordKind, RecordRef, TypeExpr, TypeKey
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import encodable
from pgflow_gen.source.names.index import Assignment, Class
from pgflow_gen.source.names.resolve import Defined, External


@dataclass(slots=True)
class RecordReader:
    """Records are read one after the other from a queue, so they may refer to each other freely."""

    reader: ReadsTypes
    defaults: DefaultReader
    constraints: ConstraintReader
    done: dict[TypeKey, Record] = field(default_factory=dict)
    _queue: list[tuple[TypeKey, Defined, dict[Variable, TypeExpr]]] = field(default_factory=list)
    _known: set[TypeKey] = field(default_factory=set)
    _kinds: dict[tuple[str, str], RecordKind | None] = field(default_factory=dict)

    def kind(self, symbol: Defined) -> RecordKind | None:
        """What kind of record ``symbol`` is; None for what is none."""
        if symbol.key not in self._kinds:
            self._kinds[symbol.key] = None  # what a class that inherits from itself is
            is_typed_dict = self._is_typed_dict(symbol)
            self._kinds[symbol.key] = "typed_dict" if is_typed_dict else kind_of(self.reader, symbol)
        return self._kinds[symbol.key]

    def is_record(self, symbol: Defined) -> bool:
        """Whether ``symbol`` is a TypedDict, by inheritance or by call."""
        return self.kind(symbol) == "typed_dict"

    def _is_typed_dict(self, symbol: Defined) -> bool:
        scope = Scope(symbol.module)
        match symbol.binding:
            case Class(definition=definition):
                for base in definition.bases:
                    node = base.value.value if isinstance(base.value, cst.Subscript) else base.value
                    found = self.reader.symbol(node, scope)
                    if isinstance(found, External) and found.is_typing("TypedDict"):
                        return True
                    if isinstance(found, Defined) and self.is_record(found):
                        return True
                return False
            case Assignment(value=cst.Call(func=func)):
                found = self.reader.symbol(func, scope)
                return isinstance(found, External) and found.is_typing("TypedDict")
            case _:
                return False

    def reference(
        self,
        symbol: Defined,
        scope: Scope,
        arguments: Sequence[cst.BaseExpression] | None,
        faults: list[TypeFault],
    ) -> TypeExpr:
        """A reference to the record; it is read later, by :meth:`drain`."""
        bound = bind(self.reader, symbol, self._variables(symbol), scope, arguments, faults)
        if bound is None:
            return UNKNOWN
        key = TypeKey(*symbol.key, tuple(bound.values()))
        if key not in self._known:
            self._known.add(key)
            self._queue.append((key, symbol, bound))
        return RecordRef(key) if self.is_record(symbol) else ClassRef(key)

    def drain(self) -> list[Record]:
        """Read every record that was referred to, and those they refer to; these are returned."""
        records: list[Record] = []
        while self._queue:
            key, symbol, bound = self._queue.pop()
            kind = self.kind(symbol)
            assert kind is not None
            span = symbol.module.file.span(symbol.binding.node)
            if kind == "typed_dict":
                fields = self._fields(symbol, bound, set())
                closed = self._is_closed(symbol, set())
                record = Record(key, tuple(fields.values()), span, _doc(symbol), closed)
            else:
                above: dict[tuple[str, str], None] = {}
                fields = self._class_fields(symbol, bound, above)
                ancestors = tuple(item for item in above if item != symbol.key)
                closed = kind in ("pydantic", "msgspec") and self._forbids_others(symbol, set())
                record = Record(key, tuple(fields.values()), span, _doc(symbol), closed, kind, ancestors)
            self.done[key] = record
            records.append(record)
        for at, record in enumerate(records):
            records[at] = self.done[record.key] = with_whole_defaults(record, self.done)
        return records

    def _forbids_others(self, symbol: Defined, seen: set[tuple[str, str]]) -> bool:
        """Whether a class takes no other keys: by its own word, else by that of a base."""
        if symbol.key in seen or not isinstance(symbol.binding, Class):
            return False
        seen.add(symbol.key)
        own = pydantic_config.is_closed(symbol)
        if own is not None:
            return own
        strict = argument(symbol.binding.definition.keywords, "forbid_unknown_fields")
        if isinstance(strict, cst.Name):
            return strict.value == "True"
        bases = [
            self.reader.symbol(node, Scope(symbol.module)) for node in base_nodes(symbol.binding.definition)
        ]
        return any(self._forbids_others(base, seen) for base in bases if isinstance(base, Defined))

    def _class_fields(
        self, symbol: Defined, bound: dict[Variable, TypeExpr], seen: dict[tuple[str, str], None]
    ) -> dict[str, Field]:
        """All fields of a class, inherited ones first; ``seen`` gathers the classes above."""
        fields: dict[str, Field] = {}
        if symbol.key in seen or not isinstance(symbol.binding, Class):
            return fields
        seen[symbol.key] = None
        scope = Scope(symbol.module, bound, symbol.key)
        kind = self.kind(symbol)
        faults = list(refusals(self.reader, symbol, kind))
        if kind == "pydantic":
            faults += pydantic_config.refusals(self.reader, symbol)
        report(self.reader.findings, symbol.module.file.span(symbol.binding.node), faults)
        for base in reversed(symbol.binding.definition.bases):
            found, inner = self._base(symbol, base.value, scope)
            if found is not None and inner is not None:
                fields.update(self._class_fields(found, inner, seen))
        if kind is not None and not (kind == "named_tuple" and fields):  # which has its fields from one class
            own = ClassFieldReader(self.reader, symbol, scope, kind, self.defaults, self.constraints)
            fields.update((field.key, field) for field in own.fields())
        return _in_a_row(fields) if kind == "named_tuple" else fields

    def _is_closed(self, symbol: Defined, seen: set[tuple[str, str]]) -> bool:
        """By its own ``closed=``, else by that of a base."""
        if symbol.key in seen:
            return False
        seen.add(symbol.key)
        scope = Scope(symbol.module)
        own = FieldReader(self.reader, symbol, scope, self.constraints).closed()
        if own is not None or not isinstance(symbol.binding, Class):
            return own is True
        for base in symbol.binding.definition.bases:
            node = base.value.value if isinstance(base.value, cst.Subscript) else base.value
            found = self.reader.symbol(node, scope)
            if isinstance(found, Defined) and self.is_record(found) and self._is_closed(found, seen):
                return True
        return False

    def _variables(self, symbol: Defined) -> list[Variable]:
        """The type parameters of a TypedDict: in brackets, of ``Generic[...]``, or of its bases."""
        if not isinstance(symbol.binding, Class):
            return []
        definition = symbol.binding.definition
        if definition.type_parameters is not None:
            return parameters_of(definition.type_parameters)
        scope = Scope(symbol.module)
        bases = [base.value for base in definition.bases if isinstance(base.value, cst.Subscript)]
        for base in bases:
            found = self.reader.symbol(base.value, scope)
            if isinstance(found, External) and found.is_typing("Generic"):
                return free_variables(self.reader.resolver, symbol.module, elements(base) or [])
        return free_variables(self.reader.resolver, symbol.module, bases)

    def _fields(
        self, symbol: Defined, bound: dict[Variable, TypeExpr], seen: set[tuple[str, str]]
    ) -> dict[str, Field]:
        """All keys, inherited ones first."""
        fields: dict[str, Field] = {}
        if symbol.key in seen:
            return fields
        scope = Scope(symbol.module, bound, symbol.key)
        own = FieldReader(self.reader, symbol, scope, self.constraints)
        if not isinstance(symbol.binding, Class):
            return own.of_call()
        for base in symbol.binding.definition.bases:
            inherited = self._base_fields(symbol, base.value, scope, seen | {symbol.key})
            fields.update(inherited)
        fields.update(own.of_class())
        return fields

    def _base_fields(
        self, symbol: Defined, base: cst.BaseExpression, scope: Scope, seen: set[tuple[str, str]]
    ) -> dict[str, Field]:
        found, bound = self._base(symbol, base, scope)
        if found is None or bound is None or not self.is_record(found):
            return {}
        return self._fields(found, bound, seen)

    def _base(
        self, symbol: Defined, base: cst.BaseExpression, scope: Scope
    ) -> tuple[Defined | None, dict[Variable, TypeExpr] | None]:
        """A base class of the project, and what its variables stand for."""
        head = base.value if isinstance(base, cst.Subscript) else base
        found = self.reader.symbol(head, scope)
        if not isinstance(found, Defined) or not isinstance(found.binding, Class | Assignment):
            return None, None
        if isinstance(found.binding, Assignment) and not self.is_record(found):
            return None, None
        faults: list[TypeFault] = []
        arguments = elements(base) if isinstance(base, cst.Subscript) else None
        bound = bind(self.reader, found, self._variables(found), scope, arguments, faults)
        report(self.reader.findings, symbol.module.file.span(base), faults)
        return found, bound


def _in_a_row(fields: dict[str, Field]) -> dict[str, Field]:
    """What stands before an item that must be there must be there, too."""
    last = max((at for at, field in enumerate(fields.values(), start=1) if field.required), default=0)
    return {
        key: replace(field, required=True, default=None) if at <= last else field
        for at, (key, field) in enumerate(fields.items(), start=1)
    }


def _doc(symbol: Defined) -> str | None:
    if not isinstance(symbol.binding, Class):
        return None
    doc = symbol.binding.definition.get_docstring()
    return encodable(inspect.cleandoc(doc)) if isinstance(doc, str) else None
