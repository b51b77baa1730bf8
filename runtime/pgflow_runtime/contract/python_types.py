"""The Python type that a schema stands for: what generic models of pydantic are given as arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Union

from pgflow_runtime.contract.classes import class_of, enum_of
from pgflow_runtime.contract.typed_schema import (
    COLLECTIONS,
    FAILED,
    MARK,
    NAMED_TUPLE,
    Definitions,
    Schema,
    kind_of,
)
from pgflow_shared.scalars import SCALARS

_PRIMITIVES = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}


class NoType(Exception):
    """A schema of a TypedDict or a failure, of which a model is no generic."""


def generic_class(schema: Schema, definitions: Definitions) -> Any:
    """``Box[int]``, so that pydantic takes a value for one; ``Box`` where it cannot be said of what."""
    class_: Any = class_of(schema)
    arguments = schema[MARK].get("args")
    if not arguments:
        return class_
    try:
        return class_[tuple(type_of(item, definitions) for item in arguments)]
    except NoType:
        return class_


def type_of(schema: Schema, definitions: Definitions) -> Any:
    """Raises NoType for what is a TypedDict, or holds one; ProjectError for lost classes."""
    name = definitions.name(schema)
    if name is not None:
        return type_of(definitions.named(name), definitions)
    kind = kind_of(schema)
    if kind in SCALARS:
        return Path if kind == "Path" else SCALARS[kind].type
    if kind is not None and kind in COLLECTIONS:
        return _collection(kind, schema, definitions)
    if kind == "enum":
        return enum_of(schema)
    if kind == FAILED:
        raise NoType
    if kind is not None:
        return class_of(schema) if kind == NAMED_TUPLE else generic_class(schema, definitions)
    if "anyOf" in schema:
        return Union[tuple(type_of(member, definitions) for member in schema["anyOf"])]  # noqa: UP007
    if "const" in schema or "enum" in schema:
        return Literal[tuple(schema.get("enum", [schema.get("const")]))]
    if schema.get("type") == "array":
        return list[type_of(schema["items"], definitions)]  # type: ignore[misc]
    if isinstance(schema.get("additionalProperties"), dict) and "properties" not in schema:
        return dict[str, type_of(schema["additionalProperties"], definitions)]  # type: ignore[misc]
    if schema.get("type") in _PRIMITIVES:
        return _PRIMITIVES[schema["type"]]
    if schema.get("type") is None:
        return Any
    raise NoType


def _collection(kind: str, schema: Schema, definitions: Definitions) -> Any:
    if "prefixItems" in schema:
        return tuple[tuple(type_of(item, definitions) for item in schema["prefixItems"])]  # type: ignore[misc]
    item = type_of(schema["items"], definitions)
    generic: Any = COLLECTIONS[kind]
    return generic[item, ...] if kind == "tuple" else generic[item]
