"""What is read of a project in one piece, and what it depends on.

A module is scanned on its own. Modules whose steps belong to each other's flows are a group, which is
read together; most groups are one module. Either result follows from its dependencies alone.
"""

from __future__ import annotations

from dataclasses import field

import msgspec

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.files.tracked_reads import Observation

Dependencies = tuple[tuple[str, str, Observation], ...]
"""Each question that was asked of the disk: its kind, what it was about, and the answer."""


class ModuleResult(msgspec.Struct, frozen=True, array_like=True):
    """A module, seen from outside. All files are absolute paths."""

    file: str
    name: str | None
    """The dotted name; None for a file that could not be read."""
    flow_modules: tuple[str, ...]
    """Where the flows are defined that the module holds, or that its steps belong to."""
    leads_to: tuple[str, ...]
    """Modules that have to be scanned as well."""
    findings: tuple[Diagnostic, ...]
    modules: dict[str, str]
    """Files of all modules that were parsed, by dotted name."""
    dependencies: Dependencies


class SerializedFlow(msgspec.Struct, frozen=True, array_like=True):
    """A flow as bytes, and what is asked of every flow of a project in front of them."""

    slug: str
    version: int
    module: str
    name: str
    span: tuple[str, int, int, int, int]
    slug_span: tuple[str, int, int, int, int]
    step_count: int
    signals: tuple[str, ...]
    needs_others: bool
    body: bytes


class Serialized(msgspec.Struct, frozen=True, array_like=True):
    """A group's flows and types; of each type, key and definition."""

    flows: tuple[SerializedFlow, ...]
    records: tuple[tuple[bytes, bytes], ...]
    aliases: tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class Group:
    """The flows of modules that belong together; ``members`` are their files, sorted."""

    members: tuple[str, ...]
    flows: tuple[FlowSpec, ...]
    findings: tuple[Diagnostic, ...]
    modules: dict[str, str]
    dependencies: Dependencies
    known_types: TypeTable | None = None
    serialized: Serialized | None = None
    """Where the group is out of a cache; its types are decoded when they are asked for."""
    extras: dict[str, bytes] = field(default_factory=dict)
    """What later layers have made of the flows, by the flow's module and name."""


@dataclass(slots=True)
class CachedResults:
    """Results of single modules and of groups, by file and by members."""

    modules: dict[str, ModuleResult] = field(default_factory=dict)
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
    extras: dict[str, bytes] = field(default_factory=dict)
    """What later layers have made of all flows together; it tells itself whether it still counts."""
