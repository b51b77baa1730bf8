"""A flow's module as a template sees it: every name decided, every type spelled."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.ir.types import (
    ClassRef,
    EnumType,
    Field,
    LiteralType,
    NewTypeRef,
    Primitive,
    Record,
    RecordRef,
    TypeExpr,
    TypeKey,
    TypeTable,
)
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render.edges import child_input, flow_input, flow_output, step_input, step_output
from pgflow_gen.render.python.annotations import annotation, members_of, needs_quotes, spell
from pgflow_gen.render.python.imports import Imports
from pgflow_gen.render.python.naming import FlowNames, payload_name, step_names
from pgflow_gen.render.python.records import given_names, optional_when_sent, reachable, record_names
from pgflow_shared.kinds import KINDS

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class RecordView:
    """A TypedDict. ``functional`` when its keys cannot all stand in a class's body."""

    name: str
    fields: tuple[tuple[str, str], ...]
    """(key, annotation) pairs."""
    functional: bool
    doc: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class AliasView:
    name: str
    target: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class StepView:
    slug: str
    output: str
    """The name of the type that dependents receive."""


@dataclass(frozen=True, slots=True)
class SignalView:
    slug: str
    payload: str
    """The name of the type of what is sent."""
    has_key: bool


@dataclass(frozen=True)
class FlowView:
    """``<flow>.py``: definitions in their order, and what the run classes need."""

    flow: FlowSpec
    stem: str
    names: FlowNames
    definitions: tuple[RecordView | AliasView, ...]
    steps: tuple[StepView, ...]
    imports: Imports
    record_names: Mapping[TypeKey, str]
    types: TypeTable
    is_native: bool = False
    """Whether callers have the flow's classes (``client_types``)."""

    @property
    def signals(self) -> tuple[SignalView, ...]:
        """The steps that wait for somebody."""
        return tuple(
            SignalView(step.slug, payload_name(step.slug), step.option("key") is not None)
            for step in self.flow.steps
            if step.kind == "signal"
        )

    @property
    def has_input(self) -> bool:
        return self.flow.input != Primitive("None")


class _ViewNames:
    """The names of types inside a flow's module (see ``spell.TypeNames``)."""

    def __init__(
        self, records: Mapping[TypeKey, str], imports: Imports, given: Mapping[TypeKey, str] | None = None
    ) -> None:
        self.records = records
        self.imports = imports
        self.given = given or {}
        """Names for what is sent, where that may leave keys out which what is received has."""

    def record(self, key: TypeKey) -> str:
        return self.given.get(key) or self.records[key]

    def alias(self, key: TypeKey) -> str:
        return self.record(key)

    def enum(self, type_: EnumType) -> str:
        return spell(LiteralType(type_.values), self)

    def new_type(self, ref: NewTypeRef) -> str:
        return spell(ref.base, self)


class _NativeNames(_ViewNames):
    """Classes and enums are the handlers' own; only type checkers import them."""

    def __init__(self, records: Mapping[TypeKey, str], imports: Imports, types: TypeTable) -> None:
        super().__init__(records, imports)
        self._types = types

    def record(self, key: TypeKey) -> str:
        return self._class(key) if is_class(key, self._types) else super().record(key)

    def enum(self, type_: EnumType) -> str:
        return members_of(type_, self._class(type_.key), self.imports)

    def _class(self, key: TypeKey) -> str:
        arguments = f"[{', '.join(spell(item, self) for item in key.args)}]" if key.args else ""
        return f"{self.imports.use(key.module, key.name, typing_only=True)}{arguments}"


def is_class(key: TypeKey, types: TypeTable) -> bool:
    return key in types.records and types.records[key].kind != "typed_dict"


def flow_view(flow: FlowSpec, stem: str, types: TypeTable, *, native: bool = False) -> FlowView:
    """All that ``<stem>.py`` says about a flow; ``native``: with the classes of the handlers."""
    own = FlowNames.of(flow)
    given = _given_names(flow, own, types)
    roots = [flow_input(flow), *(step_output(step) for step in flow.steps)]
    roots += [step.state for step in flow.steps if step.state is not None]
    roots += [child_input(step) for step in flow.steps if step.child is not None]
    roots += [item.step.returns for item in flow.companions if item.step.returns is not None]
    keys = reachable(roots, types)
    sending = {own.input: flow_input(flow)}
    sending |= {payload_name(step.slug): step_output(step) for step in flow.steps if step.kind == "signal"}
    sent = () if native else optional_when_sent(sending.values(), types)
    bearers = {name: _bearer(shape) for name, shape in given.items()}
    for name in sending:
        if bearers[name] in sent:
            bearers[name] = None
    if native:  # a class keeps its own name, beside that for what it stands for
        bearers = {
            name: None if key is None or is_class(key, types) else key for name, key in bearers.items()
        }
    records = record_names(keys, bearers)
    sent_names = given_names(sent, records, given)
    declared = [key for key in keys if not (native and is_class(key, types))]
    imports = Imports({*(records[key] for key in declared), *sent_names.values(), *given})
    names = _NativeNames(records, imports, types) if native else _ViewNames(records, imports)
    names_sent = names if native else _ViewNames(records, imports, sent_names)
    definitions = [_declared_again(key, names, types) for key in declared]
    definitions += [_declared_again(key, names_sent, types) for key in sent_names]
    for name, shape in given.items():
        if shape is not None and name not in records.values():
            definitions.append(_defined(name, shape, names_sent if name in sending else names, types))
    steps = tuple(StepView(step.slug, step_names(step.slug)[1]) for step in flow.steps)
    return FlowView(flow, stem, own, tuple(definitions), steps, imports, records, types, native)


_Shape: TypeAlias = TypeExpr | tuple[Field, ...] | None


def _given_names(flow: FlowSpec, own: FlowNames, types: TypeTable) -> dict[str, _Shape]:
    """The names the module defines itself, and what they stand for (None: no type)."""
    given: dict[str, _Shape] = dict.fromkeys(own.all())
    given[own.input] = flow_input(flow)
    given[own.output] = flow_output(flow, types)
    for step in flow.steps:
        input_name, output_name = step_names(step.slug)
        if step.kind == "signal":
            given[payload_name(step.slug)] = step_output(step)
        if KINDS[step.kind].has_handler:
            given[input_name] = step_input(flow, step, types)
        given[output_name] = step_output(step)
    return given


def _bearer(shape: _Shape) -> TypeKey | None:
    """The record that may keep a name the module gives out, because the name means that very record."""
    return shape.key if isinstance(shape, RecordRef | ClassRef) else None


def _declared_again(key: TypeKey, names: _ViewNames, types: TypeTable) -> RecordView | AliasView:
    name = names.record(key)
    if key in types.aliases:
        return AliasView(name, spell(types.aliases[key].target, names), quoted=True)
    record = types.records[key]
    if record.kind == "named_tuple":
        return AliasView(name, _row(record, names, may_be_short=key in names.given), quoted=True)
    fields = record.fields
    if record.kind != "typed_dict" and key not in names.given:
        fields = tuple(replace(field, required=True) for field in fields)  # a value has all of them
    # What a model forbids is the contract's business: a closed TypedDict would need a package at run time.
    is_closed = record.closed and record.kind == "typed_dict"
    return replace(_record(name, fields, names, record.doc), closed=is_closed)


def _row(record: Record, names: _ViewNames, *, may_be_short: bool) -> str:
    """A named tuple as a tuple; where it is sent, without some of the items that have defaults."""
    items = [spell(field.type, names) for field in record.fields]
    least = sum(field.required for field in record.fields) if may_be_short else len(items)
    lengths = range(len(items), least - 1, -1)
    return " | ".join(f"tuple[{', '.join(items[:length]) or '()'}]" for length in lengths)


def _defined(
    name: str, shape: TypeExpr | tuple[Field, ...], names: _ViewNames, types: TypeTable
) -> RecordView | AliasView:
    if isinstance(shape, tuple):
        return _record(name, shape, names)
    is_quoted = isinstance(names, _NativeNames) or needs_quotes(shape, types)
    return AliasView(name, spell(shape, names), is_quoted)


def _record(name: str, fields: Iterable[Field], names: _ViewNames, doc: str | None = None) -> RecordView:
    spelled = tuple((field.key, annotation(field, names)) for field in fields)
    used = {word for _, text in spelled for word in _IDENTIFIER.findall(text)}
    functional = any(not _fits_class_body(key) or key in used for key, _ in spelled)
    return RecordView(name, spelled, functional, doc)


def _fits_class_body(key: str) -> bool:
    """Not keywords and blanks, nor what Python mangles (``__x``) or normalises (letters beyond ASCII)."""
    return key.isascii() and key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("__")
