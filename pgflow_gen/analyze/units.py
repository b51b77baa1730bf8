"""What is read of a project in one piece, and what it rests on.

A module is surveyed on its own. Modules whose steps belong to each other's flows are a group, which is
read together; most groups are one module. Either result follows from the answers in its evidence alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.source.looks import Asked


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A module, seen from outside. All files are absolute paths."""

    file: str
    name: str | None
    """The dotted name; None for a file that could not be read."""
    homes: tuple[str, ...]
    """Where the flows are defined that the module holds, or that its steps belong to."""
    brings: tuple[str, ...]
    """Modules that have to be surveyed as well."""
    findings: tuple[Diagnostic, ...]
    modules: Mapping[str, str]
    """Files of all modules that were parsed, by dotted name."""
    evidence: tuple[Asked, ...]


@dataclass(slots=True)
class Group:
    """The flows of modules that belong together; ``members`` are their files, sorted."""

    members: tuple[str, ...]
    flows: tuple[FlowSpec, ...]
    types: TypeTable
    findings: tuple[Diagnostic, ...]
    modules: Mapping[str, str]
    evidence: tuple[Asked, ...]
    extras: dict[str, Any] = field(default_factory=dict)
    """What later floors have made of the flows, as plain data, by the flow's module and name."""


@dataclass(slots=True)
class Memory:
    """Results of single modules and of groups, by file and by members."""

    surveys: dict[str, Surveyed] = field(default_factory=dict)
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
