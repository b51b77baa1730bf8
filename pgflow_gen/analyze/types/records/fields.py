"""The keys one TypedDict declares itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault, not_json, report, unstorable
from pgflow_gen.analyze.types.generics import argument, keyword
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records.constraints import ConstraintReader, bounded
from pgflow_gen.analyze.types.records.defaults import typed_default
from pgflow_gen.analyze.types.scope import Scope, elements
from pgflow_gen.analyze.types.unsupported import canonical
from pgflow_gen.ir.types import Field
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import is_storable
from pgflow_gen.source.names.index import Assignment, Class
from pgflow_gen.source.names.resolve import Defined, External
from pgflow_gen.source.parsing.parse import unquoted


@dataclass(slots=True)
class _Qualified:
    """A field's type without its qualifiers."""

    node: cst.BaseExpression
    required: bool
    read_only: bool = False
    metadata: list[cst.BaseExpression] = field(default_factory=list)
    """What stood behind the type in ``Annotated``."""


@dataclass(frozen=True, slots=True)
class FieldReader:
    reader: ReadsTypes
    symbol: Defined
    scope: Scope
    constraints: ConstraintReader

    def of_class(self) -> dict[str, Field]:
        """The keys of a class body, in the order written."""
        binding = self.symbol.binding
        if not isinstance(binding, Class):
            return {}
        self._refuse_extra_items(binding.definition.keywords)
        total = self._flag(binding.definition.keywords, "total") is not False
        fields: dict[str, Field] = {}
        for declaration in declarations(binding.definition.body):
            name = declaration.target
            if isinstance(name, cst.Name):
                fields[name.value] = self._field(name.value, name, declaration.annotation.annotation, total)
        return fields

    def of_call(self) -> dict[str, Field]:
        """The keys of ``TypedDict("Name", {"key": type, ...})``."""
        binding = self.symbol.binding
        if not isinstance(binding, Assignment) or not isinstance(binding.value, cst.Call):
            return {}
        call = binding.value
        positional = [arg.value for arg in call.args if arg.keyword is None and not arg.star]
        keys = positional[1] if len(positional) == 2 else keyword(call, "fields")
        if not isinstance(keys, cst.Dict):
            self._report(binding.node, [_not_literal(binding.name)])
            return {}
        self._refuse_extra_items(call.args)
        total = self._flag(call.args, "total") is not False
        fields: dict[str, Field] = {}
        for element in keys.elements:
            key = getattr(getattr(element, "key", None), "evaluated_value", None)
            if not isinstance(element, cst.DictElement) or not isinstance(key, str):
                self._report(element, [_not_literal(binding.name)])
                continue
            if not is_storable(key):
                self._report(element.key, [unstorable(f"key {key!r} of {binding.name}")])
                continue
            fields[key] = self._field(key, element.key, element.value, total)
        return fields

    def closed(self) -> bool | None:
        """``closed=`` (PEP 728), None where it is not written."""
        match self.symbol.binding:
            case Class(definition=definition):
                return self._flag(definition.keywords, "closed")
            case Assignment(value=cst.Call(args=args)):
                return self._flag(args, "closed")
            case _:
                return None

    def _flag(self, arguments: Sequence[cst.Arg], name: str) -> bool | None:
        """The literal True or False that ``name=`` is; anything else is a fault."""
        value = argument(arguments, name)
        word = value.value if isinstance(value, cst.Name) else None
        if value is not None and word not in {"True", "False"}:
            help = f"write {name}=True or {name}=False"
            self._report(value, [not_json(f"{name}= is not statically known", help)])
        return None if word not in {"True", "False"} else word == "True"

    def _refuse_extra_items(self, arguments: Sequence[cst.Arg]) -> None:
        value = argument(arguments, "extra_items")
        if value is not None:
            message = f"{self.symbol.binding.name} has extra_items, keys whose names nobody knows"
            self._report(value, [not_json(message, "write the keys out, or use dict[str, T]")])

    def _field(self, key: str, name: cst.CSTNode, annotation: cst.BaseExpression, total: bool) -> Field:
        span = self.symbol.module.file.span(name)
        qualified = self._strip(_Qualified(annotation, total))
        faults: list[TypeFault] = []
        found = self.reader.read(qualified.node, self.scope, faults)
        metadata = self.constraints.read(qualified.metadata, self.scope, faults)
        if metadata.default is not None and qualified.required:
            help = f"write NotRequired[Annotated[{found}, Default(...)]]"
            faults.append(not_json("it has a Default, and is required", help))
        found = bounded(self.reader.limit(found, "field", faults), metadata.bounds, faults)
        prefix = f"key {key!r} of {self.symbol.binding.name}: "
        place = self.symbol.module.file.span(annotation)
        report(self.reader.findings, place, faults, prefix=prefix, owner=span)
        default = typed_default(found, metadata.default)
        return Field(key, found, qualified.required, qualified.read_only, span, default)

    def _strip(self, qualified: _Qualified) -> _Qualified:
        """Take off Required, NotRequired, ReadOnly, Annotated and quotes, in whatever order they stand."""
        while True:
            node = qualified.node
            if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
                inner = unquoted(node)
                if inner is None:
                    return qualified
                qualified.node = inner
                continue
            name = self._qualifier(node)
            arguments = elements(node) if isinstance(node, cst.Subscript) else None
            if name is None or not arguments or (name != "Annotated" and len(arguments) != 1):
                return qualified
            qualified.node = arguments[0]
            qualified.metadata += arguments[1:]
            if name in {"Required", "NotRequired"}:
                qualified.required = name == "Required"
            qualified.read_only = qualified.read_only or name == "ReadOnly"

    def _qualifier(self, node: cst.BaseExpression) -> str | None:
        if not isinstance(node, cst.Subscript):
            return None
        found = self.reader.symbol(node.value, self.scope)
        if not isinstance(found, External):
            return None
        found = canonical(found)
        is_one = found.is_typing("Required", "NotRequired", "ReadOnly", "Annotated")
        return found.name if is_one else None

    def _report(self, node: cst.CSTNode, faults: list[TypeFault]) -> None:
        report(self.reader.findings, self.symbol.module.file.span(node), faults)


def declarations(body: cst.BaseSuite) -> Iterator[cst.AnnAssign]:
    """The annotated names of a class's body."""
    for statement in body.body:
        parts = statement.body if isinstance(statement, cst.SimpleStatementLine) else [statement]
        yield from (part for part in parts if isinstance(part, cst.AnnAssign))


def _not_literal(name: str) -> TypeFault:
    return not_json(f"the keys of {name} are not written out", 'write TypedDict("Name", {"key": type, ...})')
