"""The canonical structure of a flow: what migration, client and worker compare, by its hash.

Structure = {slug, type, sorted dependencies, kind where it is not a task, and undo where there is one} of the
steps, sorted by slug; with them the flow that a step starts, and the array of a map with other inputs too.
Options, conditions, types and the order of definition are not part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from pgflow_shared.kinds import SqlKind, StepType


class StepStructure(TypedDict):
    slug: str
    type: StepType
    dependencies: list[str]
    kind: NotRequired[SqlKind]
    """Only where it is not ``task``, so that flows without other kinds keep their hash."""
    undo: NotRequired[str]
    """The slug of the handler that undoes the step, where there is one."""
    subflow: NotRequired[str]
    """The slug of the flow that does the work, of the kind ``subflow``."""
    array: NotRequired[str]
    """Of a map with other inputs than its array: which one that is, ``flow_input`` for the run's input."""


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
    now, then = _kind(new), _kind(old)
    if now != then:
        yield f"step {slug!r} is {now} now; it was {then}"
    if old["dependencies"] != new["dependencies"]:
        now, then = _slugs(new["dependencies"]), _slugs(old["dependencies"])
        yield f"step {slug!r} depends on {now} now; it depended on {then}"
    elif old.get("array") != new.get("array"):
        now, then = _array(new), _array(old)
        yield f"step {slug!r} goes over {now} now; it went over {then}"
    if old.get("undo") != new.get("undo"):
        yield f"step {slug!r} is undone by {_undo(new)} now; it was undone by {_undo(old)}"


def _kind(step: Mapping[str, Any]) -> str:
    kind = step.get("kind", "task")
    if kind == "subflow":
        each = "for each element " if step["type"] == "map" else ""
        return f"a run of flow {step['subflow']!r} {each}".rstrip()
    if kind != "task":
        return f"a {kind}"
    return "a map" if step["type"] == "map" else "a single task"


def _undo(step: Mapping[str, Any]) -> str:
    return repr(step["undo"]) if "undo" in step else "nothing"


def _array(step: Mapping[str, Any]) -> str:
    array = step.get("array") or next(iter(step["dependencies"]), "flow_input")
    return "the run's input" if array == "flow_input" else repr(array)


def _slugs(slugs: list[str]) -> str:
    return ", ".join(repr(slug) for slug in slugs) or "nothing"
