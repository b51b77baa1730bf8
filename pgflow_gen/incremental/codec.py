"""The IR as plain lists, strings and numbers, and back: what caches keep, and what processes tell each other.

Every value comes back equal, places included. What is read back must have been written by the same version
of this module; anything else raises ValueError, TypeError, KeyError or IndexError, or makes nonsense.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from pgflow_gen.diagnostics import Span
from pgflow_gen.ir.flow import (
    CompanionHandler,
    FlowKey,
    FlowSpec,
    Option,
    Parameter,
    Receives,
    StepName,
    StepSpec,
    SubflowName,
)
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_gen.ir.types import (
    Alias,
    AliasRef,
    AnyType,
    BoundedType,
    ClassRef,
    CollectionType,
    DictType,
    EnumType,
    FailedType,
    Field,
    JsonType,
    ListType,
    LiteralType,
    NewTypeRef,
    Primitive,
    Record,
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeKey,
    UnionType,
    UnknownType,
)

Plain: TypeAlias = Any
"""Lists, strings, numbers, booleans and None: what JSON and MessagePack can hold."""

_ATOMS: dict[str, TypeExpr] = {
    **{name: Primitive(name) for name in ("str", "int", "float", "bool", "None")},
    "Any": AnyType("Any"),
    "object": AnyType("object"),
    "JsonValue": JsonType(),
    "Failed": FailedType(),
}
_RECEIVES = {item.value: item for item in Receives}


def encode_span(span: Span | None) -> Plain:
    if span is None:
        return None
    return [span.path, span.line, span.column, span.end_line, span.end_column]


def decode_span(data: Plain) -> Span | None:
    return None if data is None else Span(*data)


def encode_type(type_: TypeExpr | None) -> Plain:
    match type_:
        case None:
            return None
        case Primitive(name=name) | AnyType(name=name):
            return name
        case JsonType():
            return "JsonValue"
        case ScalarType(name=scalar):
            return ["scalar", scalar]
        case FailedType():
            return "Failed"
        case TupleType(items=items):
            return ["tuple", [encode_type(item) for item in items]]
        case CollectionType(kind=kind, item=item):
            return ["collection", kind, encode_type(item)]
        case BoundedType(base=base, bounds=bounds):
            return ["bounded", encode_type(base), json.dumps(bounds)]
        case LiteralType(values=values):
            # As JSON, which has integers of any length and halves of surrogate pairs.
            return ["literal", json.dumps(values)]
        case ListType(item=item, read_only=read_only):
            return ["list", encode_type(item), read_only]
        case DictType(value=value, read_only=read_only):
            return ["dict", encode_type(value), read_only]
        case UnionType(members=members):
            return ["union", [encode_type(member) for member in members]]
        case RecordRef(key=key):
            return ["record", encode_key(key)]
        case ClassRef(key=key):
            return ["class", encode_key(key)]
        case EnumType(key=key, members=members, base=base, is_whole=is_whole):
            return ["enum", encode_key(key), json.dumps(members), base, is_whole]
        case AliasRef(key=key):
            return ["alias", encode_key(key)]
        case NewTypeRef(key=key, base=base):
            return ["new", encode_key(key), encode_type(base)]
        case UnknownType(text=text):
            return ["unknown", text]


def decode_type(data: Plain) -> TypeExpr:
    if isinstance(data, str):
        return _ATOMS[data]
    match data[0]:
        case "list":
            return ListType(decode_type(data[1]), data[2])
        case "record":
            return RecordRef(decode_key(data[1]))
        case "dict":
            return DictType(decode_type(data[1]), data[2])
        case "union":
            return UnionType(tuple(map(decode_type, data[1])))
        case "literal":
            return LiteralType(tuple(json.loads(data[1])))
        case "tuple":
            return TupleType(tuple(map(decode_type, data[1])))
        case "collection":
            return CollectionType(data[1], decode_type(data[2]))
        case "bounded":
            return BoundedType(decode_type(data[1]), tuple(map(tuple, json.loads(data[2]))))
        case "scalar":
            return ScalarType(data[1])
        case "class":
            return ClassRef(decode_key(data[1]))
        case "enum":
            return EnumType(decode_key(data[1]), tuple(map(tuple, json.loads(data[2]))), data[3], data[4])
        case "alias":
            return AliasRef(decode_key(data[1]))
        case "new":
            return NewTypeRef(decode_key(data[1]), decode_type(data[2]))
        case "unknown":
            return UnknownType(data[1])
        case other:
            raise ValueError(f"{other!r} is no type")


def _decode_optional_type(data: Plain) -> TypeExpr | None:
    return None if data is None else decode_type(data)


def encode_key(key: TypeKey) -> Plain:
    return [key.module, key.name, [encode_type(arg) for arg in key.args]]


def decode_key(data: Plain) -> TypeKey:
    module, name, args = data
    return TypeKey(module, name, tuple(map(decode_type, args)) if args else ())


def encode_record(record: Record) -> Plain:
    fields = [
        [
            item.key,
            encode_type(item.type),
            item.required,
            item.read_only,
            encode_span(item.span),
            item.default,
            item.attribute,
        ]
        for item in record.fields
    ]
    ancestors = [list(item) for item in record.ancestors]
    return [
        encode_key(record.key),
        fields,
        encode_span(record.span),
        record.doc,
        record.closed,
        record.kind,
        ancestors,
    ]


def decode_record(data: Plain) -> Record:
    key, fields, span, doc, closed, kind, ancestors = data
    found = tuple(
        Field(name, decode_type(type_), required, read_only, decode_span(place), default, attribute)
        for name, type_, required, read_only, place, default, attribute in fields
    )
    above = tuple((module, name) for module, name in ancestors)
    return Record(decode_key(key), found, decode_span(span), doc, closed, kind, above)


def encode_alias(alias: Alias) -> Plain:
    return [encode_key(alias.key), encode_type(alias.target), encode_span(alias.span)]


def decode_alias(data: Plain) -> Alias:
    key, target, span = data
    return Alias(decode_key(key), decode_type(target), decode_span(span))


class _Places:
    """Spans of a flow as five numbers: nearly all of them are in one file."""

    def __init__(self, paths: Sequence[str] = ()) -> None:
        self.paths = list(paths)
        self._numbers: dict[str, int] = {}

    def encode(self, span: Span | None) -> Plain:
        if span is None:
            return None
        number = self._numbers.get(span.path)
        if number is None:
            number = self._numbers[span.path] = len(self.paths)
            self.paths.append(span.path)
        return [number, span.line, span.column, span.end_line, span.end_column]

    def decode(self, data: Plain) -> Span:
        number, line, column, end_line, end_column = data
        return Span(self.paths[number], line, column, end_line, end_column)

    def decode_optional(self, data: Plain) -> Span | None:
        return None if data is None else self.decode(data)


def encode_flow(flow: FlowSpec) -> Plain:
    places = _Places()
    body = [
        flow.slug,
        flow.version,
        [flow.key.module, flow.key.name],
        encode_type(flow.input),
        [_encode_step(step, places) for step in flow.steps],
        _encode_options(flow.options, places),
        [_encode_schedule(item, places) for item in flow.schedules],
        [_encode_companion(item, places) for item in flow.companions],
        flow.doc,
        flow.preset,
        [_encode_subflow(name, places) for name in flow.outputs],
        places.encode(flow.span),
        places.encode(flow.slug_span),
        places.encode(flow.version_span),
        places.encode(flow.input_span),
    ]
    return [places.paths, body]


def decode_flow(data: Plain) -> FlowSpec:
    places = _Places(data[0])
    (
        slug, version, key, input_, steps, options, schedules, companions, doc, preset, outputs, span,
        slug_span, version_span,
        input_span,
    ) = data[1]  # fmt: skip
    return FlowSpec(
        slug,
        version,
        FlowKey(*key),
        _decode_optional_type(input_),
        tuple([_decode_step(step, places) for step in steps]),
        _decode_options(options, places),
        tuple([_decode_schedule(item, places) for item in schedules]),
        tuple([_decode_companion(item, places) for item in companions]),
        doc=doc,
        preset=preset,
        outputs=tuple([_decode_subflow(name, places) for name in outputs]),
        span=places.decode(span),
        slug_span=places.decode(slug_span),
        version_span=places.decode_optional(version_span),
        input_span=places.decode_optional(input_span),
    )


def _encode_step(step: StepSpec, places: _Places) -> Plain:
    return [
        step.slug,
        step.kind,
        step.module,
        step.function,
        step.is_async,
        [_encode_param(param, places) for param in step.params],
        encode_type(step.returns),
        _encode_options(step.options, places),
        [_encode_name(name, places) for name in step.depends_on],
        None if step.array is None else _encode_name(step.array, places),
        [_encode_name(name, places) for name in step.if_ran],
        [_encode_name(name, places) for name in step.if_skipped],
        encode_type(step.state),
        None if step.subflow is None else _encode_subflow(step.subflow, places),
        step.doc,
        sorted(step.unread),
        places.encode(step.span),
        places.encode(step.slug_span),
        places.encode(step.returns_span),
        places.encode(step.decorator_span),
    ]


def _decode_step(data: Plain, places: _Places) -> StepSpec:
    (
        slug, kind, module, function, is_async, params, returns, options, depends_on, array, if_ran,
        if_skipped, state, subflow, doc, unread, span, slug_span, returns_span, decorator_span,
    ) = data  # fmt: skip
    return StepSpec(
        slug,
        kind,
        module,
        function,
        is_async,
        tuple([_decode_param(param, places) for param in params]),
        _decode_optional_type(returns),
        _decode_options(options, places),
        tuple([_decode_name(name, places) for name in depends_on]),
        None if array is None else _decode_name(array, places),
        tuple([_decode_name(name, places) for name in if_ran]),
        tuple([_decode_name(name, places) for name in if_skipped]),
        _decode_optional_type(state),
        None if subflow is None else _decode_subflow(subflow, places),
        None,  # the child: found anew when all flows are known
        doc,
        frozenset(unread),
        span=places.decode(span),
        slug_span=places.decode_optional(slug_span),
        returns_span=places.decode_optional(returns_span),
        decorator_span=places.decode(decorator_span),
    )


def _encode_companion(handler: CompanionHandler, places: _Places) -> Plain:
    undone = None if handler.undone is None else _encode_name(handler.undone, places)
    return [handler.kind, _encode_step(handler.step, places), undone]


def _decode_companion(data: Plain, places: _Places) -> CompanionHandler:
    kind, step, undone = data
    return CompanionHandler(
        kind, _decode_step(step, places), None if undone is None else _decode_name(undone, places)
    )


def _encode_schedule(schedule: ScheduleSpec, places: _Places) -> Plain:
    return [
        schedule.slug,
        json.dumps(schedule.input),
        schedule.dates,
        schedule.times,
        _encode_options(schedule.options, places),
        sorted(schedule.unread),
        schedule.module,
        places.encode(schedule.span),
        places.encode(schedule.input_span),
    ]


def _decode_schedule(data: Plain, places: _Places) -> ScheduleSpec:
    slug, input_, dates, times, options, unread, module, span, input_span = data
    return ScheduleSpec(
        slug,
        json.loads(input_),
        tuple(map(tuple, dates)),
        tuple(map(tuple, times)),
        _decode_options(options, places),
        frozenset(unread),
        module,
        span=places.decode(span),
        input_span=places.decode_optional(input_span),
    )


def _encode_param(param: Parameter, places: _Places) -> Plain:
    return [
        param.name,
        param.receives.value,
        encode_type(param.type),
        places.encode(param.span),
        places.encode(param.type_span),
        param.has_default,
        param.positional_only,
        param.keyword_only,
    ]


def _decode_param(data: Plain, places: _Places) -> Parameter:
    name, receives, type_, span, type_span, *flags = data
    return Parameter(
        name,
        _RECEIVES[receives],
        _decode_optional_type(type_),
        places.decode(span),
        places.decode_optional(type_span),
        *flags,
    )


def _encode_options(options: Iterable[Option], places: _Places) -> Plain:
    return [[option.name, json.dumps(option.value), places.encode(option.span)] for option in options]


def _decode_options(data: Plain, places: _Places) -> tuple[Option, ...]:
    return tuple([Option(name, json.loads(value), places.decode(span)) for name, value, span in data])


def _encode_name(name: StepName, places: _Places) -> Plain:
    flow = None if name.flow is None else [name.flow.module, name.flow.name]
    return [name.slug, places.encode(name.span), flow]


def _decode_name(data: Plain, places: _Places) -> StepName:
    slug, span, flow = data
    return StepName(slug, places.decode(span), None if flow is None else FlowKey(*flow))


def _encode_subflow(name: SubflowName, places: _Places) -> Plain:
    flow = None if name.flow is None else [name.flow.module, name.flow.name]
    return [name.slug, places.encode(name.span), flow]


def _decode_subflow(data: Plain, places: _Places) -> SubflowName:
    slug, span, flow = data
    return SubflowName(slug, places.decode(span), None if flow is None else FlowKey(*flow))
