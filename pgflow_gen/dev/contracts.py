"""What a clean build left for the worker: where the flows are, and an input to try each with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pgflow_gen.config import Config
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.project import SCHEMAS, contract_files


@dataclass(frozen=True, slots=True)
class Built:
    """A flow as the generated files know it."""

    name: str
    """What ``pgflow-gen start`` calls it."""
    target: str
    """``module:name``, for the worker."""
    sample: str | None
    """An input of the right type as JSON; None for a flow that takes none."""


def built_flows(config: Config) -> tuple[Built, ...]:
    """The flows in ``schemas/``, by name. Raises OSError, ValueError or KeyError for foreign files."""
    folder = config.root / config.out / SCHEMAS
    documents = ((path.stem, json.loads(path.read_bytes())) for path in contract_files(folder))
    return tuple(_built(name, it) for name, it in documents if "companion_of" not in it["x-pgflow"])


def _built(name: str, document: Mapping[str, Any]) -> Built:
    schema = document["properties"]["input"]
    value = sample(schema, document.get("$defs", {}))
    text = None if value is None else json.dumps(value, ensure_ascii=False)
    return Built(name, str(document["x-pgflow"]["flow"]), text)


def sample(schema: Any, definitions: Mapping[str, Any], inside: frozenset[str] = frozenset()) -> Any:
    """The plainest value that fits a schema of ours: required keys only, one element, one letter a text.

    ``inside``: the definitions it stands in; a type within itself is left out.
    """
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return None if name in inside else sample(definitions[name], definitions, inside | {name})
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in schema:
            values = [sample(branch, definitions, inside) for branch in schema[keyword]]
            return next((value for value in values if value is not None), None)
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            wanted = schema.get("required", [])
            return {key: sample(schema["properties"][key], definitions, inside) for key in wanted}
        case "array":
            element = sample(schema.get("items"), definitions, inside)
            return [] if element is None else [element]
        case "string":
            return "a"
        case "integer":
            return 1
        case "number":
            return 1.5
        case "boolean":
            return True
    return None
