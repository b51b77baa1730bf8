"""The canonical structure of a flow: what migration, client and worker compare, by its hash.

Structure = {slug, type, sorted dependencies} of the steps, sorted by slug. Options, conditions, types and
the order of definition are not part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from pgflow_shared.kinds import StepType


class StepStructure(TypedDict):
    slug: str
    type: StepType
    dependencies: list[str]


class Structure(TypedDict):
    steps: list[StepStructure]


def structure_hash(structure: Mapping[str, Any]) -> str:
    """``sha256:<hex>`` of the structure's canonical JSON (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(structure, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on what changed from one structure to another, by slug of the step."""
    before, after = by_slug(old), by_slug(new)
    for slug in sorted(before.keys() | after.keys()):
        if slug not in before:
            yield f"step {slug!r} is new"
        elif slug not in after:
            yield f"step {slug!r} is gone"
        else:
            yield from _step_changes(slug, before[slug], after[slug])


def by_slug(structure: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The steps of a structure by their slugs."""
    return {step["slug"]: step for step in structure["steps"]}


def _step_changes(slug: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["type"] != new["type"]:
        yield f"step {slug!r} is {_type(new['type'])} now; it was {_type(old['type'])}"
    if old["dependencies"] != new["dependencies"]:
        now, then = _slugs(new["dependencies"]), _slugs(old["dependencies"])
        yield f"step {slug!r} depends on {now} now; it depended on {then}"


def _type(type_: str) -> str:
    return "a map" if type_ == "map" else "a single task"


def _slugs(slugs: list[str]) -> str:
    return ", ".join(repr(slug) for slug in slugs) or "nothing"
