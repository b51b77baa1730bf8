"""Failures that are values: ``{"$failed": {...}}`` on the wire, ``Failed`` where code reads it.

The class is found by its place, as the classes of users are: contracts know nothing of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

KEY: Final = "$failed"
PLACE: Final = ("pgflow_runtime.dsl.failed", "Failed")
FIELDS: Final = ("error", "step", "index", "attempts")
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        KEY: {
            "type": "object",
            "properties": {
                "error": {"type": "string"},
                "step": {"type": "string"},
                "index": {"type": "integer"},
                "attempts": {"type": "integer"},
            },
            "required": list(FIELDS),
            "additionalProperties": False,
        }
    },
    "required": [KEY],
    "additionalProperties": False,
}
"""As contracts have it among their definitions."""


def is_failed_schema(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("required") == [KEY])


def is_failed(value: object) -> bool:
    """Whether a value on the wire stands for a failure."""
    return isinstance(value, dict) and value.keys() == {KEY}


def decoder() -> Callable[[Any], Any]:
    """What makes a ``Failed``, and passes over what is none."""
    module, name = PLACE
    failed = getattr(import_module(module), name)

    def make(value: Any) -> Any:
        found = value[KEY] if is_failed(value) else None
        if not isinstance(found, dict) or found.keys() != set(FIELDS):
            return value
        return failed(**found)

    return make


def dump(value: Any) -> Any:
    """A ``Failed`` as it is on the wire."""
    return {KEY: {field: getattr(value, field) for field in FIELDS}}
