"""JSON Schema checks whose faults read like a colleague's words and name the place in the value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from pgflow_runtime.contract.boundary import join
from pgflow_shared.text import closest

_NAMES = {"null": "null", "array": "list", "object": "object", "boolean": "bool", "integer": "int"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: ``input.urls[3]``."""

    path: str
    reason: str


class SchemaCheck:
    """A compiled schema. ``root`` is what paths start with; ``definitions`` are what "#/$defs/..." names."""

    def __init__(self, schema: Any, definitions: Mapping[str, Any], *, root: str) -> None:
        body = dict(schema) if isinstance(schema, dict) else {"allOf": [schema]}
        self._root = root
        self._schema = {**body, "$defs": dict(definitions)}
        self._validator = jsonschema_rs.Draft202012Validator(self._schema)

    def first_fault(self, value: object) -> Fault | None:
        """None when the value fits. A value that is no JSON at all is a fault as well."""
        faults = self.faults(value, most=1)
        return faults[0] if faults else None

    def faults(self, value: object, *, most: int) -> list[Fault]:
        """What is wrong with a value, by place; of many faults the first ``most``."""
        try:
            if self._validator.is_valid(value):
                return []
            errors = list(self._validator.iter_errors(value))
        except (ValueError, RecursionError) as error:
            return [Fault(self._root, f"is not JSON ({error})")]
        if not errors:
            return [Fault(self._root, "does not fit its type")]
        nearest = [min(errors, key=_place)] if most == 1 else sorted(errors, key=_place)[:most]
        return list(dict.fromkeys(map(self._fault, nearest)))

    def _fault(self, error: jsonschema_rs.ValidationError) -> Fault:
        error = _deepest(error)
        path = self._root
        for part in error.instance_path:
            path = join(path, part)
        return Fault(path, self._words(error))

    def _words(self, error: jsonschema_rs.ValidationError) -> str:
        if error.kind.name != "additionalProperties":
            return _words(error)
        owner: Any = self._schema
        for part in error.schema_path[:-1]:
            owner = owner[part]
        known = sorted(owner.get("properties", ()))
        return ", ".join(_unknown_key(key, known) for key in error.kind.as_dict()["unexpected"][:5])


def closed(schema: Any) -> Any:
    """A copy of a schema whose records refuse keys they do not declare."""
    if not isinstance(schema, dict):
        return schema
    copy = dict(schema)
    for keyword in ("properties", "$defs"):
        if keyword in copy:
            copy[keyword] = {name: closed(part) for name, part in copy[keyword].items()}
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if keyword in copy:
            copy[keyword] = [closed(part) for part in copy[keyword]]
    for keyword in ("items", "additionalProperties"):
        if keyword in copy:
            copy[keyword] = closed(copy[keyword])
    if "properties" in copy:
        copy.setdefault("additionalProperties", False)
    return copy


def _place(error: jsonschema_rs.ValidationError) -> list[tuple[bool, str | int]]:
    return [(isinstance(part, str), part) for part in error.instance_path]


def _deepest(error: jsonschema_rs.ValidationError) -> jsonschema_rs.ValidationError:
    """For a union the fault of the branch that came further into the value than all others, if any."""
    if error.kind.name not in ("anyOf", "oneOf"):
        return error
    branches = [_deepest(branch[0]) for branch in error.kind.as_dict().get("context", []) if branch]
    depths = sorted((len(branch.instance_path) for branch in branches), reverse=True)
    inside = [branch for branch in branches if _came_further(branch, error)]
    if len(inside) == 1:
        return inside[0]
    if inside and depths.count(depths[0]) == 1:
        return max(branches, key=lambda branch: len(branch.instance_path))
    return error


def _came_further(branch: jsonschema_rs.ValidationError, union: jsonschema_rs.ValidationError) -> bool:
    return len(branch.instance_path) > len(union.instance_path) or branch.kind.name not in (
        "type",
        "enum",
        "const",
    )


def _words(error: jsonschema_rs.ValidationError) -> str:
    name, details = error.kind.name, error.kind.as_dict()
    if name == "type":
        return f"expected {_alternatives(details['types'])}, got {_show(error.instance)}"
    if name == "required":
        return f"the key '{details['property']}' is missing"
    if name == "enum":
        return f"expected one of {', '.join(map(repr, details['options']))}, got {_show(error.instance)}"
    if name == "const":
        return f"expected {details['expected_value']!r}, got {_show(error.instance)}"
    if name in ("anyOf", "oneOf"):
        expected = [_expected(branch) for branch in details.get("context", []) if branch]
        if expected and all(expected):
            return (
                f"expected {' or '.join(dict.fromkeys(filter(None, expected)))}, got {_show(error.instance)}"
            )
    if name == "falseSchema":
        return f"no value is allowed here, got {_show(error.instance)}"
    return error.message


def _expected(branch: list[jsonschema_rs.ValidationError]) -> str | None:
    details = branch[0].kind.as_dict()
    match branch[0].kind.name:
        case "type":
            return _alternatives(details["types"])
        case "enum":
            return " or ".join(map(repr, details["options"]))
        case "const":
            return repr(details["expected_value"])
    return None


def _alternatives(types: Iterable[str]) -> str:
    return " or ".join(_NAMES.get(name, name) for name in types)


def _unknown_key(key: str, known: list[str]) -> str:
    near = closest(key, known)
    if near:
        return f"unknown key '{key}'; did you mean '{near}'?"
    return f"unknown key '{key}'; the keys are {', '.join(known)}" if known else f"unknown key '{key}'"


def _show(value: object) -> str:
    kinds = {dict: "object", list: "list", str: "string", bool: "bool", int: "int", float: "number"}
    text = repr(value)
    if isinstance(value, (dict, list)) and len(text) > 60:
        return f"{kinds[type(value)]} of {len(value)}"
    short = text if len(text) <= 80 else f"{text[:77]}..."
    return short if value is None else f"{kinds.get(type(value), 'value')} {short}"
