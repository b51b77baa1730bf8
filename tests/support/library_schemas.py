"""JSON Schemas of pydantic and msgspec and ours, brought to one form where they say the same.

What is left out is what says nothing of which values are taken (titles, descriptions, our own marks), and the
spelling of scalars: patterns are ours, ``format`` is theirs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_NOT_OF_MSGSPEC = ("must be tagged", "may not contain more than one", "PosixPath is unsupported")
"""What msgspec has no schema for: unions told apart by fields of ours, defaults that are paths."""
_SAID = ("title", "description", "discriminator", "readOnly", "default")
_TEXTS = {
    "date-time": "datetime", "date": "date", "time": "time", "duration": "timedelta", "uuid": "UUID",
    "uuid4": "UUID", "path": "Path", "binary": "bytes", "decimal": "Decimal", "base64": "bytes",
}  # fmt: skip


def library_schema(kind: str, class_: Any, computed: Collection[str]) -> Any:
    """What pydantic or msgspec says of a class, in the common form; None of what msgspec does not take.

    Fields in ``computed`` are filled in by its constructor; on our wire they are required.
    """
    if kind in ("pydantic", "dataclass", "named_tuple"):
        from pydantic import TypeAdapter

        found = TypeAdapter(class_).json_schema(mode="validation")
    else:
        import msgspec

        try:
            found = msgspec.json.schema(
                class_, schema_hook=lambda type_: {"type": "string", "format": "path"}
            )
        except TypeError as error:
            if not any(words in str(error) for words in _NOT_OF_MSGSPEC):
                raise
            return None
    form = normal(found, found.get("$defs", {}))
    return _with_required(_without_underscores(form) if kind == "attrs" else form, computed)


def ours(kind: str, schema: Schema, definitions: Schema) -> Any:
    """Our schema, in the common form; to msgspec times that need no zone are any text."""
    found = normal(schema, definitions)
    return _as_text(found) if kind in ("attrs", "msgspec") else found


def _as_text(schema: Any) -> Any:
    if schema in ("<time>", "<datetime>"):
        return {"type": "string"}
    if isinstance(schema, list):
        return [_as_text(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "anyOf" in schema:
        return _union([_as_text(item) for item in schema["anyOf"]])
    return {key: _as_text(item) for key, item in schema.items()}


def _union(members: list[Any]) -> Any:
    unique = sorted({json.dumps(item, sort_keys=True) for item in members})
    return {"anyOf": [json.loads(item) for item in unique]} if len(unique) > 1 else json.loads(unique[0])


def _without_underscores(schema: Any) -> Any:
    """msgspec writes attrs' fields by their attributes; constructors, and so we, leave underscores out."""
    if isinstance(schema, list):
        return [_without_underscores(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _without_underscores(item) for key, item in schema.items()}
    if "properties" in found:
        found["properties"] = {key.lstrip("_"): item for key, item in found["properties"].items()}
    if "required" in found:
        found["required"] = sorted(key.lstrip("_") for key in found["required"])
    return found


def _with_required(schema: Any, computed: Collection[str]) -> Any:
    if isinstance(schema, list):
        return [_with_required(item, computed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _with_required(item, computed) for key, item in schema.items()}
    added = set(computed).intersection(schema.get("properties", ()))
    return {**found, "required": sorted({*schema.get("required", ()), *added})} if added else found


def normal(schema: Schema, definitions: Schema) -> Any:
    """References followed, members of unions in one order, scalars by name."""
    return _normal({key: part for key, part in schema.items() if key != "$defs"}, definitions, ())


def _normal(schema: Any, definitions: Schema, above: tuple[str, ...]) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"<{name}>" if name in above else _normal(definitions[name], definitions, (*above, name))
    if len(schema.get("allOf", ())) == 1:
        schema = {**schema["allOf"][0], **{key: part for key, part in schema.items() if key != "allOf"}}
        return _normal(schema, definitions, above)
    scalar = _scalar(schema)
    if scalar is not None:
        return scalar
    members = schema.get("anyOf") or schema.get("oneOf")
    if members is not None:
        found = [_normal(member, definitions, above) for member in members]
        flat = [part for item in found for part in (item["anyOf"] if _is_union(item) else [item])]
        if all({"type": name} in flat for name in ("number", "string")):  # pydantic's, beside something else
            flat = [
                "<Decimal>",
                *(item for item in flat if item not in [{"type": "number"}, {"type": "string"}]),
            ]
        return _union(flat)
    if "const" in schema:
        return {"enum": [schema["const"]]}
    if "enum" in schema:
        return {"enum": sorted(schema["enum"], key=str)}
    kept = {key: part for key, part in schema.items() if key not in _SAID and key != "x-pgflow"}
    for keyword in ("items", "additionalProperties"):
        if keyword in kept:
            kept[keyword] = _normal(kept[keyword], definitions, above)
    if "prefixItems" in kept:
        kept["prefixItems"] = [_normal(item, definitions, above) for item in kept["prefixItems"]]
        kept.pop("items", None)
        kept.setdefault("minItems", 0)
    if "properties" in kept:
        kept["properties"] = {
            key: _normal(item, definitions, above) for key, item in kept["properties"].items()
        }
    required = sorted(kept.pop("required", ()))
    if required:
        kept["required"] = required
    return kept


def _is_union(schema: Any) -> bool:
    return isinstance(schema, dict) and "anyOf" in schema


def _scalar(schema: Schema) -> Any:
    mark = schema.get("x-pgflow", {}).get("kind")
    if mark in _TEXTS.values():
        return f"<{mark}>"
    named = schema.get("format") or schema.get("contentEncoding")
    if schema.get("type") == "string" and named in _TEXTS:
        return f"<{_TEXTS[named]}>"
    members = schema.get("anyOf", ())
    return "<Decimal>" if [member.get("type") for member in members] == ["number", "string"] else None
