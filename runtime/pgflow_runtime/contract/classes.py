"""The classes that a contract names: found where they are defined, without reading anybody's annotations."""

from __future__ import annotations

from enum import Enum
from importlib import import_module
from typing import Any

from pgflow_runtime.contract.typed_schema import MARK, Schema
from pgflow_runtime.errors import ProjectError

_REBUILD = "run `pgflow-gen build`, and deploy the whole generated folder with the code it was made from"


def class_of(schema: Schema) -> type[Any]:
    """The class of a schema's values. Raises ProjectError when its module has none of that name."""
    module, name = place_of(schema)
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ProjectError(f"class {name} of {module} cannot be imported: {error}", help=_REBUILD) from error
    if not isinstance(found, type):
        raise ProjectError(f"{name} of {module} is no class", help=_REBUILD)
    return found


def enum_of(schema: Schema) -> type[Enum]:
    """The enum of a schema's values. Raises ProjectError also when its values are others."""
    found = class_of(schema)
    if not issubclass(found, Enum):
        raise ProjectError(f"{found.__name__} of {found.__module__} is no enum", help=_REBUILD)
    values = [member.value for member in found]
    is_partial = schema[MARK].get("partial", False)
    if not set(schema["enum"]) <= set(values) if is_partial else values != schema["enum"]:
        module, name = place_of(schema)
        raise ProjectError(
            f"enum {name} of {module} has other values than when the contract was made: {values}",
            help=_REBUILD,
        )
    return found


def place_of(schema: Schema) -> tuple[str, str]:
    """The module and the name of the class."""
    mark = schema[MARK]
    return mark["module"], mark["name"]


def is_of(value: object, place: tuple[str, str]) -> bool:
    """Whether a value is of the class at ``place`` or one below it; nothing is imported to know it."""
    return any((base.__module__, base.__name__) == place for base in type(value).__mro__)
