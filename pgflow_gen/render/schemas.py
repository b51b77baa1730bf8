"""``schemas/<flow>.json``: a JSON Schema of input and output and, under ``x-pgflow``, the flow's contract."""

from __future__ import annotations

import json
from typing import Any, TypeAlias
from urllib.parse import quote

from pgflow_gen.ir.companions import Companion
from pgflow_gen.ir.flow import FlowSpec, Parameter, Receives, StepSpec
from pgflow_gen.ir.types import (
    NONE,
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
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeKey,
    TypeTable,
    UnionType,
    UnknownType,
)
from pgflow_gen.render.edges import (
    child_input,
    dependency_fields,
    flow_input,
    flow_output,
    other_inputs,
    step_input,
)
from pgflow_gen.render.literals import pretty_json
from pgflow_gen.render.python.views import FlowView
from pgflow_gen.render.scalars import SCALARS
from pgflow_gen.render.settings.companions import companion_slugs
from pgflow_gen.render.settings.options import step_settings
from pgflow_gen.render.settings.schedules import schedules
from pgflow_gen.render.summary import Summary
from pgflow_shared.executors import executor_of, resources_of
from pgflow_shared.kinds import KINDS

Schema: TypeAlias = dict[str, Any]

_FAILED = "$failed"
"""Its definition's name, which is no name of a type of Python."""
_FAILED_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "$failed": {
            "type": "object",
            "properties": {
                "error": {"type": "string"},
                "step": {"type": "string"},
                "index": {"type": "integer"},
                "attempts": {"type": "integer"},
            },
            "required": ["error", "step", "index", "attempts"],
            "additionalProperties": False,
        }
    },
    "required": ["$failed"],
    "additionalProperties": False,
}
"""``Failed`` on the wire. A reference to it is how worker and client know where one may stand."""

_RUN_END_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "run_id": {"type": "string"},
        "status": {"enum": ["completed", "failed", "cancelled"]},
        "error": {"type": ["string", "null"]},
        "failed_step": {"type": ["string", "null"]},
        "failed_task": {"type": ["integer", "null"]},
        "reason": {"type": ["string", "null"]},
        "undone": {"enum": ["nothing", "completed", "failed"]},
    },
    "required": ["run_id", "status", "error", "failed_step", "failed_task", "reason", "undone"],
}
"""``RunEnd``."""
_PRIMITIVES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}


class _Schemas:
    """Types as schemas; records and recursive aliases become references into ``$defs``."""

    def __init__(self, view: FlowView, types: TypeTable) -> None:
        self.view = view
        self.types = types
        self._has_failed = False

    def of(self, type_: TypeExpr) -> Schema:
        match type_:
            case Primitive(name=name):
                return {"type": _PRIMITIVES[name]}
            case ScalarType(name=scalar):
                return {"type": "string", **SCALARS[scalar], "x-pgflow": {"kind": scalar}}
            case LiteralType(values=values):
                return {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
            case ListType(item=item):
                return {"type": "array", "items": self.of(item)}
            case DictType(value=value):
                return {"type": "object", "additionalProperties": self.of(value)}
            case UnionType(members=members):
                # Whether it is a Failed is decided first: a record may take an object with any key.
                ordered = sorted(members, key=lambda member: not isinstance(member, FailedType))
                return {"anyOf": [self.of(member) for member in ordered]}
            case TupleType(items=items):
                parts = [self.of(item) for item in items]
                length = {"minItems": len(parts), "maxItems": len(parts)}
                return {"type": "array", "prefixItems": parts, **length, "x-pgflow": {"kind": "tuple"}}
            case CollectionType(kind=kind, item=item):
                unique = {} if kind == "tuple" else {"uniqueItems": True}
                return {"type": "array", "items": self.of(item), **unique, "x-pgflow": {"kind": kind}}
            case NewTypeRef(base=base):
                return self.of(base)
            case BoundedType(base=base, bounds=bounds):
                return {**self.of(base), **dict(bounds)}
            case EnumType(key=key, values=enum_values, is_whole=is_whole):
                enum = {"enum": list(enum_values), **_python("enum", key)}
                if not is_whole:
                    enum["x-pgflow"]["partial"] = True
                return enum
            case RecordRef(key=key) | ClassRef(key=key) | AliasRef(key=key):
                # A reference is a URI: names beyond ASCII are escaped in it, though not in $defs.
                return {"$ref": f"#/$defs/{quote(self.view.record_names[key])}"}
            case JsonType() | AnyType():
                return {}
            case FailedType():
                self._has_failed = True
                return {"$ref": f"#/$defs/{_FAILED}"}
            case UnknownType(text=text):
                raise ValueError(f"the type {text!r} has a finding of its own and cannot be rendered")

    def record(self, fields: tuple[Field, ...]) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {field.key: self.field(field) for field in fields},
        }
        required = [field.key for field in fields if field.required]
        return {**schema, "required": required} if required else schema

    def row(self, fields: tuple[Field, ...]) -> Schema:
        """Of a named tuple; items at its end that have defaults may be left out."""
        length = {"minItems": sum(field.required for field in fields), "maxItems": len(fields)}
        return {"type": "array", "prefixItems": [self.field(field) for field in fields], **length}

    def field(self, field: Field) -> Schema:
        default = {} if field.default is None else {"default": json.loads(field.default)}
        return {**self.of(field.type), **default}

    def definitions(self) -> Schema:
        """All types that have a name; to be asked for when all others were."""
        found: Schema = {}
        for key, name in self.view.record_names.items():
            alias = self.types.aliases.get(key)
            if alias is not None:
                found[name] = self.of(alias.target)
                continue
            record = self.types.records[key]
            described = {"description": record.doc} if record.doc else {}
            closed = {"additionalProperties": False} if record.closed else {}
            python = {} if record.kind == "typed_dict" else _python(record.kind, key)
            attributes = {
                field.key: field.attribute for field in record.fields if field.attribute is not None
            }
            if record.kind == "pydantic" and key.args:
                python["x-pgflow"]["args"] = [self.of(argument) for argument in key.args]
            if attributes:
                python["x-pgflow"]["attributes"] = attributes
            shape = self.record(record.fields) if record.row is None else self.row(record.fields)
            found[name] = {**described, **shape, **closed, **python}
        return {**found, _FAILED: _FAILED_SCHEMA} if self._has_failed else found


def _python(kind: str, key: TypeKey) -> Schema:
    """What a value is in Python, and which class it is of: validators pass over keywords they do not know."""
    return {"x-pgflow": {"kind": kind, "module": key.module, "name": key.name}}


def contract_schema(view: FlowView, summary: Summary) -> str:
    """The whole document as formatters of JSON leave it: sorted keys, two blanks a level, ASCII only."""
    schemas = _Schemas(view, view.types)
    return _document(view.flow, schemas.of(flow_input(view.flow)), schemas, summary)


def companion_schema(view: FlowView, companion: Companion, summary: Summary) -> str:
    """The same of one of the flow's companions, whose types are the flow's."""
    schemas = _Schemas(view, view.types)
    return _document(companion.flow, _companion_input(companion, schemas), schemas, summary)


def _companion_input(companion: Companion, schemas: _Schemas) -> Schema:
    """How the run ended, and what it has made, as far as any handler takes it."""
    steps: Schema = {}
    for slug in dict.fromkeys((*companion.undone, *companion.reads)):
        step = companion.of.step(slug)
        given = companion.given(step) if step is not None else None
        output = {} if given is None else schemas.of(given)
        steps[slug] = {
            "type": "object",
            "properties": {"done": {"type": "boolean"}, "output": output},
            "required": ["done"],
        }
    properties = {
        "run_end": _RUN_END_SCHEMA,
        "steps": {"type": "object", "properties": steps, "required": list(steps)},
    }
    if companion.asks_for_input:
        properties["flow_input"] = schemas.of(flow_input(companion.of))
    return {"type": "object", "properties": properties, "required": list(properties)}


def _document(flow: FlowSpec, input_schema: Schema, schemas: _Schemas, summary: Summary) -> str:
    types = schemas.types
    properties = {"input": input_schema, "output": schemas.record(flow_output(flow, types))}
    contract = _contract(flow, schemas, types, summary)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": flow.db_slug,
        "type": "object",
        "properties": properties,
        "$defs": schemas.definitions(),
        "x-pgflow": contract,
    }
    return pretty_json(document)


def _contract(flow: FlowSpec, schemas: _Schemas, types: TypeTable, summary: Summary) -> dict[str, Any]:
    document: dict[str, Any] = {
        "slug": flow.db_slug,
        "version": flow.version,
        "flow": f"{flow.key.module}:{flow.key.name}",
        "modules": list(flow.modules),
        "structure_hash": summary.structure_hash,
        "structure": summary.structure,
        "settings": summary.settings,
        "steps": {step.slug: _step(flow, step, schemas, types) for step in flow.steps},
    }
    if flow.preset is not None:
        document["preset"] = flow.preset
    if flow.companion_of is not None:
        document["companion_of"] = flow.companion_of
    if flow.companions:
        document["companions"] = list(companion_slugs(flow))
    return {**document, "schedules": schedules(flow)} if flow.schedules else document


def _step(flow: FlowSpec, step: StepSpec, schemas: _Schemas, types: TypeTable) -> dict[str, Any]:
    has_handler = KINDS[step.kind].has_handler
    document: dict[str, Any] = {
        "module": step.module if has_handler else "",
        "function": step.function if has_handler else "",
        "kind": step.kind,
        "async": step.is_async,
        "transactional": step.option("transactional") is True,
        "params": [_param(flow, param) for param in step.params],
        "input": _input(flow, step, schemas, types),
        "output": {} if step.result is None else schemas.of(step.result),
    }
    document |= _executor(flow, step)
    if step.is_map:
        document |= _beside(flow, step, schemas, types)
    if step.subflow is not None:
        document |= {"subflow": step.subflow.slug, "child_input": schemas.of(child_input(step))}
        kept = ("max_depth", "deadline")
        document |= {item.word: item.value for item in step_settings(step) if item.word in kept}
    if step.makes_failed:
        document["failed_values"] = True
    if step.state is not None and step.state != NONE:
        document["state"] = schemas.of(step.state)
    if step.kind == "pick":
        document["pick"] = step.option("pick")
    if step.kind == "signal":
        kept = ("key", "deadline")
        document |= {item.word: item.value for item in step_settings(step) if item.word in kept}
    return document


def _executor(flow: FlowSpec, step: StepSpec) -> dict[str, Any]:
    """Where its handler runs, and what it needs there, where that is not the worker."""
    options = {option.name: option.value for option in step.options}
    defaults = {option.name: option.value for option in flow.options}
    executor, resources = executor_of(options, defaults), resources_of(options, defaults)
    if executor is None or not KINDS[step.kind].has_handler:
        return {}
    return {"executor": executor, **({"resources": resources} if resources else {})}


def _beside(flow: FlowSpec, step: StepSpec, schemas: _Schemas, types: TypeTable) -> dict[str, Any]:
    """Of a map with other inputs than its array: which one that is, and what the handler gets of others."""
    array, fields = step.array_name(types), other_inputs(flow, step, types)
    found: dict[str, Any] = {} if array is None else {"array": array}
    return {**found, "others": schemas.record(fields)} if fields else found


def _input(flow: FlowSpec, step: StepSpec, schemas: _Schemas, types: TypeTable) -> Schema:
    """The element, or the dependencies; a root step gets the run's input, which is checked at the start."""
    if step.is_map:
        element = step_input(flow, step, types)
        assert not isinstance(element, tuple)
        return schemas.of(element)
    fields = tuple(dependency_fields(flow, step, types))
    return schemas.record(fields) if fields else {}


def _param(flow: FlowSpec, param: Parameter) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": param.name,
        "receives": param.receives.value,
        "positional_only": param.positional_only,
        "default": param.has_default,
    }
    if param.receives is Receives.PATH:
        return {**document, "path": ["steps", param.name, "output"]}
    if param.receives is Receives.FLOW_INPUT and flow.companion_of is not None:
        # Its own input is how the run ended, in which the run's input stands.
        return {**document, "receives": Receives.PATH.value, "path": ["flow_input"]}
    return document
