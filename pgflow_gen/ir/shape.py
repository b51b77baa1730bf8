"""The canonical structure of a flow, and its hash: what migration, client and worker compare.

Structure = {slug, type, sorted dependencies} of the steps, sorted by slug. Options, conditions, types
and the order of definition are not part of it (DSL.md, "What is generated").
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal, TypedDict

from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.ir.types import TypeTable


class StepStructure(TypedDict):
    slug: str
    type: Literal["single", "map"]
    dependencies: list[str]


class Structure(TypedDict):
    steps: list[StepStructure]


def structure(flow: FlowSpec, types: TypeTable) -> Structure:
    """The flow's structure as JSON-ready data."""
    steps: list[StepStructure] = [
        {
            "slug": step.slug,
            "type": "map" if step.is_map else "single",
            "dependencies": sorted(step.dependencies(types)),
        }
        for step in flow.steps
    ]
    return {"steps": sorted(steps, key=lambda step: step["slug"])}


def structure_hash(value: Structure) -> str:
    """``sha256:<hex>`` of the structure's canonical JSON (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
