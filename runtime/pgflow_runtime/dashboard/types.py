"""A JSON Schema in words: what a person wants to know of a type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LONGEST = 400
DEEPEST = 12


def type_words(schema: Any, depth: int = 0) -> str:
    """``list of Document``, ``integer or null``, ``{sku: text, quantity: integer}``."""
    words = _words(schema, depth)
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def _words(schema: Any, depth: int) -> str:
    if not isinstance(schema, Mapping) or not schema:
        return "anything"
    if depth > DEEPEST:
        return "…"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_words(part, depth + 1) for part in schema[word])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_words({**schema, "type": one}, depth + 1) for one in kind)
    if kind == "array":
        return _array(schema, depth)
    if kind == "object":
        return _object(schema, depth)
    return {"string": "text", "boolean": "true or false", "null": "null"}.get(
        str(kind), str(kind or "anything")
    )


def _array(schema: Mapping[str, Any], depth: int) -> str:
    if "prefixItems" in schema:
        return "[" + ", ".join(_words(part, depth + 1) for part in schema["prefixItems"]) + "]"
    if "items" not in schema:
        return "list"
    return f"list of {_words(schema['items'], depth + 1)}"


def _object(schema: Mapping[str, Any], depth: int) -> str:
    required = schema.get("required", [])
    parts = [
        f"{name}{'' if name in required else '?'}: {_words(part, depth + 1)}"
        for name, part in schema.get("properties", {}).items()
    ]
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping) and more:
        parts.append(f"any name: {_words(more, depth + 1)}")
    return "{" + ", ".join(parts) + "}" if parts else "object"


def definitions_of(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The named types of a contract with their fields, for a table."""
    found = []
    for name, part in schema.get("$defs", {}).items():
        fields = [
            {"name": field, "type": type_words(inner), "is_required": field in part.get("required", [])}
            for field, inner in part.get("properties", {}).items()
        ]
        found.append(
            {
                "name": name,
                "description": part.get("description"),
                "fields": fields,
                "words": None if fields else type_words(part),
            }
        )
    return found
