"""Annotations to types: names, subscripts, unions, strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

import libcst as cst

from pgflow_gen.analyze.types.aliases import AliasReader
from pgflow_gen.analyze.types.classes import bound_twice, unsupported_class, unsupported_function
from pgflow_gen.analyze.types.expansive import Expansion
from pgflow_gen.analyze.types.faults import TypeFault, not_json, report, unresolved
from pgflow_gen.analyze.types.generics import type_variable
from pgflow_gen.analyze.types.limits import MAX_NESTING, parameter_only, too_deep
from pgflow_gen.analyze.types.protocol import Role
from pgflow_gen.analyze.types.records.constraints import ConstraintReader, bounded
from pgflow_gen.analyze.types.records.defaults import DefaultReader
from pgflow_gen.analyze.types.records.reader import RecordReader
from pgflow_gen.analyze.types.scope import Scope, elements
from pgflow_gen.analyze.types.unsupported import canonical, unchecked, unsupported
from pgflow_gen.analyze.types.values.containers import set_type, tuple_type
from pgflow_gen.analyze.types.values.enums import EnumReader
from pgflow_gen.analyze.types.values.literals import literal_type
from pgflow_gen.analyze.types.values.pydantic_types import constrained, pydantic_type
from pgflow_gen.analyze.types.values.unions import indistinct
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.types import (
    BOOL,
    FAILED,
    FLOAT,
    INT,
    NONE,
    STR,
    UNKNOWN,
    AnyType,
    DictType,
    JsonType,
    ListType,
    Record,
    RecordRef,
    ScalarName,
    ScalarType,
    TypeExpr,
    TypeKey,
    TypeTable,
    UnknownType,
    union,
)
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import output_name
from pgflow_gen.source.names.index import Assignment, Class, Function
from pgflow_gen.source.names.resolve import Defined, External, Missing, ModuleSymbol, Resolver, Symbol
from pgflow_gen.source.parsing.parse import unquoted

_PRIMITIVES = {"str": STR, "int": INT, "float": FLOAT, "bool": BOOL, "None": NONE, "NoneType": NONE}
_SCALARS: dict[tuple[str, str], ScalarName] = {
    ("datetime", "datetime"): "datetime",
    ("datetime", "date"): "date",
    ("datetime", "time"): "time",
    ("datetime", "timedelta"): "timedelta",
    ("uuid", "UUID"): "UUID",
    ("decimal", "Decimal"): "Decimal",
    ("builtins", "bytes"): "bytes",
    ("pathlib", "Path"): "Path",
}
_QUALIFIERS = frozenset({"Required", "NotRequired", "ReadOnly"})


@dataclass(slots=True)
class TypeReader:
    """Reads annotations into types, and collects the records and recursive aliases they mention."""

    resolver: Resolver
    findings: Findings
    _depth: int = 0
    expansion: Expansion = field(default_factory=Expansion)
    enums: EnumReader = field(init=False)
    constraints: ConstraintReader = field(init=False)
    records: RecordReader = field(init=False)
    aliases: AliasReader = field(init=False)
    outputs: dict[str, Span] = field(default_factory=dict)
    """The generated modules whose flows' outputs were mentioned, and where first."""

    def __post_init__(self) -> None:
        self.enums = EnumReader(self)
        defaults = DefaultReader(self, self.enums)
        self.constraints = ConstraintReader(self, defaults)
        self.records = RecordReader(self, defaults, self.constraints)
        self.aliases = AliasReader(self)

    def table(self) -> TypeTable:
        """Everything read so far, in order of module and name."""
        return TypeTable(
            dict(sorted(self.records.done.items(), key=lambda item: (item[0].module, str(item[0])))),
            dict(sorted(self.aliases.recursive.items(), key=lambda item: (item[0].module, str(item[0])))),
        )

    def annotation(
        self,
        node: cst.BaseExpression,
        scope: Scope,
        role: Role,
        *,
        prefix: str = "",
        owner: Span | None = None,
    ) -> TypeExpr:
        """The type ``node`` spells; what is wrong with it is reported there, or at its ``owner``."""
        faults: list[TypeFault] = []
        found: TypeExpr = UNKNOWN
        try:
            found = self.limit(self.read(node, scope, faults), role, faults)
            self._refuse_indistinct(self.records.drain())
            if (alike := indistinct(found, self._types)) is not None:
                faults.append(alike)
        except RecursionError:
            # Chains that the depth of an expression does not bound: of base classes, of imports.
            faults.append(too_deep())
        report(self.findings, scope.module.file.span(node), faults, prefix=prefix, owner=owner)
        return found

    @property
    def _types(self) -> TypeTable:
        return TypeTable(self.records.done, self.aliases.recursive)

    def _refuse_indistinct(self, records: Sequence[Record]) -> None:
        """Unions in the fields of records: only now everything is read that they may hold."""
        for record in records:
            for item in record.fields:
                fault = indistinct(item.type, self._types)
                if fault is not None and item.span is not None:
                    what = "key" if record.kind == "typed_dict" else "field"
                    prefix = f"{what} {item.key!r} of {record.key}: "
                    report(self.findings, item.span, [fault], prefix=prefix)

    def limit(self, found: TypeExpr, role: Role, faults: list[TypeFault]) -> TypeExpr:
        """Refuse Sequence, Mapping and NewType outside parameters."""
        culprit = None if role == "parameter" else parameter_only(found, self.aliases.recursive)
        if culprit is None:
            return found
        faults.append(culprit)
        return UNKNOWN

    def read(self, node: cst.BaseExpression, scope: Scope, faults: list[TypeFault]) -> TypeExpr:
        """The type ``node`` spells; what is wrong with it is added to ``faults``."""
        if self._depth >= MAX_NESTING:
            faults.append(too_deep())
            return UNKNOWN
        self._depth += 1
        try:
            return self._read(node, scope, faults)
        finally:
            self._depth -= 1

    def _read(self, node: cst.BaseExpression, scope: Scope, faults: list[TypeFault]) -> TypeExpr:
        match node:
            case cst.SimpleString() | cst.ConcatenatedString():
                return self._quoted(node, scope, faults)
            case cst.Name(value="None"):
                return NONE
            case cst.Name(value=name) if (variable := scope.local(name)) is not None:
                return variable
            case cst.Name() | cst.Attribute():
                return self._symbol(self.symbol(node, scope), node, scope, None, faults)
            case cst.Subscript():
                return self._subscript(node, scope, faults)
            case cst.BinaryOperation(operator=cst.BitOr()):
                return union(self.read(node.left, scope, faults), self.read(node.right, scope, faults))
            case _:
                help = constrained(self, node, scope) or "write a type: names, list[...], A | B"
                faults.append(not_json(f"{_text(scope, node)} is not a type", help))
                return UNKNOWN

    def symbol(self, node: cst.BaseExpression, scope: Scope) -> Symbol | None:
        """What a (dotted) name means, plain renamings ``A = B`` followed to their end."""
        found = self.resolver.resolve(scope.module, node)
        if found is None:
            return None
        end = self.resolver.follow(found)
        if end != found and type_variable(self.resolver, end) is not None:
            return self._generic_alias(found, end)
        return end

    def _generic_alias(self, symbol: Symbol, variable: Symbol) -> Symbol:
        """``Same = T``: the last renaming before the variable, an alias that takes an argument."""
        while isinstance(symbol, Defined) and isinstance(symbol.binding, Assignment):
            value = symbol.binding.value
            following = self.resolver.resolve(symbol.module, value) if value is not None else None
            if following is None or following == variable:
                break
            symbol = following
        return symbol

    def _quoted(
        self, node: cst.SimpleString | cst.ConcatenatedString, scope: Scope, faults: list[TypeFault]
    ) -> TypeExpr:
        inner = unquoted(node)
        if inner is None:
            faults.append(not_json(f"{_text(scope, node)} is not a type", "write a type between the quotes"))
            return UNKNOWN
        return self.read(inner, scope, faults)

    def _subscript(self, node: cst.Subscript, scope: Scope, faults: list[TypeFault]) -> TypeExpr:
        arguments = elements(node)
        if arguments is None or not isinstance(node.value, cst.Name | cst.Attribute):
            help = "write names between the brackets; of a tuple, tuple[A, B] or tuple[T, ...]"
            faults.append(not_json(f"{_text(scope, node)} is not a type", help))
            return UNKNOWN
        if isinstance(node.value, cst.Name) and scope.local(node.value.value) is not None:
            faults.append(not_json(f"type variable {node.value.value!r} takes no arguments"))
            return UNKNOWN
        return self._symbol(self.symbol(node.value, scope), node.value, scope, arguments, faults)

    def _symbol(
        self,
        symbol: Symbol | None,
        node: cst.BaseExpression,
        scope: Scope,
        arguments: Sequence[cst.BaseExpression] | None,
        faults: list[TypeFault],
    ) -> TypeExpr:
        written = self.resolver.resolve(scope.module, node)
        if written != symbol and isinstance(written, Defined) and (twice := bound_twice(written)) is not None:
            faults.append(twice)  # a renaming such as ``A = int``, already followed
            return UNKNOWN
        match symbol:
            case Missing():
                faults.append(unresolved(symbol))
            case External() if symbol.is_generated:
                return self._output(symbol, scope.module.file.span(node))
            case External():
                return self._external(canonical(symbol), scope, arguments, faults)
            case Defined():
                return self._defined(symbol, scope, arguments, faults)
            case ModuleSymbol(name=name):
                faults.append(not_json(f"module {name!r} is not a type", "name a type inside the module"))
            case None:
                faults.append(
                    not_json(
                        f"{_text(scope, node)} is not a type that can be read",
                        "declare the type at the top level of a module",
                    )
                )
        return UNKNOWN

    def _output(self, symbol: External, span: Span) -> TypeExpr:
        """A flow's output by its generated name: what is in it is found when all flows are known."""
        stem = symbol.module.removeprefix(".")
        self.outputs.setdefault(stem, span)
        return RecordRef(TypeKey(symbol.module, output_name(stem)))

    def _defined(
        self,
        symbol: Defined,
        scope: Scope,
        arguments: Sequence[cst.BaseExpression] | None,
        faults: list[TypeFault],
    ) -> TypeExpr:
        if isinstance(symbol.binding, Function):
            faults.append(unsupported_function(symbol))
            return UNKNOWN
        twice = bound_twice(symbol)
        if twice is not None:
            faults.append(twice)
            return UNKNOWN
        if self.records.kind(symbol) is not None:
            return self.records.reference(symbol, scope, arguments, faults)
        if self.enums.is_enum(symbol) and arguments is None:
            return self.enums.read(symbol, faults)
        if isinstance(symbol.binding, Class):
            faults.append(unsupported_class(self.resolver, symbol))
            return UNKNOWN
        return self.aliases.read(symbol, scope, arguments, faults)

    def _external(
        self,
        symbol: External,
        scope: Scope,
        arguments: Sequence[cst.BaseExpression] | None,
        faults: list[TypeFault],
    ) -> TypeExpr:
        if arguments is None:
            return self._plain(symbol, faults)
        match symbol:
            case External("builtins", "list") | External("collections.abc", "Sequence"):
                return self._list(symbol, scope, arguments, faults)
            case External("builtins", "dict") | External("collections.abc", "Mapping"):
                return self._dict(symbol, scope, arguments, faults)
            case External("builtins", "tuple"):
                return tuple_type(self, arguments, scope, faults)
            case External("builtins", "set" | "frozenset" as kind):
                return set_type(self, "set" if kind == "set" else "frozenset", arguments, scope, faults)
            case External("typing", "Optional") if len(arguments) == 1:
                return union(self.read(arguments[0], scope, faults), NONE)
            case External("typing", "Union") if arguments:
                return union(*(self.read(item, scope, faults) for item in arguments))
            case External("typing", "Annotated") if len(arguments) >= 2:
                return self._annotated(arguments, scope, faults)
            case External("typing", "Literal"):
                return literal_type(self, self.enums, arguments, scope, faults)
            case External("typing", name) if name in _QUALIFIERS:
                faults.append(
                    not_json(
                        f"{name}[...] is no type here", "it belongs around the type of a TypedDict's key"
                    )
                )
                return UNKNOWN
            case _:
                faults.append(unsupported(symbol))
                return UNKNOWN

    def _annotated(
        self, arguments: Sequence[cst.BaseExpression], scope: Scope, faults: list[TypeFault]
    ) -> TypeExpr:
        found = self.read(arguments[0], scope, faults)
        metadata = self.constraints.read(arguments[1:], scope, faults)
        if metadata.default is not None:
            faults.append(
                not_json(
                    "Default(...) says nothing here",
                    "it belongs to a key of a TypedDict: key: NotRequired[Annotated[T, Default(value)]]",
                )
            )
        return bounded(found, metadata.bounds, faults)

    def _plain(self, symbol: External, faults: list[TypeFault]) -> TypeExpr:
        """A name without arguments."""
        if symbol.module in ("builtins", "types") and symbol.name in _PRIMITIVES:
            return _PRIMITIVES[symbol.name]
        if (scalar := _SCALARS.get((symbol.module, symbol.name))) is not None:
            return ScalarType(scalar)
        if (known := pydantic_type(symbol)) is not None:
            return known
        if symbol.is_runtime("JsonValue"):
            return JsonType()
        if symbol.is_runtime("Failed"):
            return FAILED
        if symbol in (External("typing", "Any"), External("builtins", "object")):
            faults.append(unchecked(symbol.name))
            return AnyType("Any" if symbol.name == "Any" else "object")
        faults.append(unsupported(symbol))
        return UNKNOWN

    def _list(
        self, symbol: External, scope: Scope, arguments: Sequence[cst.BaseExpression], faults: list[TypeFault]
    ) -> TypeExpr:
        if len(arguments) != 1:
            faults.append(not_json(f"{symbol.name}[...] takes one type, not {len(arguments)}"))
            return UNKNOWN
        return ListType(self.read(arguments[0], scope, faults), read_only=symbol.name == "Sequence")

    def _dict(
        self, symbol: External, scope: Scope, arguments: Sequence[cst.BaseExpression], faults: list[TypeFault]
    ) -> TypeExpr:
        if len(arguments) != 2:
            faults.append(not_json(f"{symbol.name}[...] takes two types, not {len(arguments)}"))
            return UNKNOWN
        ignored: list[TypeFault] = []
        key = self.read(arguments[0], scope, ignored)
        value = self.read(arguments[1], scope, faults)
        if isinstance(key, UnknownType):
            faults.extend(fault for fault in ignored if fault.code == "PGF103")
        if key != STR and not any(fault.code == "PGF103" for fault in ignored):
            text = f"{symbol.name}[{_text(scope, arguments[0])}, ...]"
            faults.append(
                not_json(
                    f"{text} is not JSON: the keys of a JSON object are strings",
                    "use dict[str, T], or a TypedDict when the keys are known",
                )
            )
            return UNKNOWN
        return DictType(value, read_only=symbol.name == "Mapping")


def _text(scope: Scope, node: cst.BaseExpression) -> str:
    text = scope.module.file.code(node)
    return text if len(text) <= 60 else f"{text[:57]}..."
