"""What the lines of the wiring are about, kept while they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from pgflow_gen.ir.flow import FlowKey
from pgflow_gen.ir.types import TypeKey
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.companions import CompanionKind

SubjectKind: TypeAlias = Literal[
    "import", "input", "binding", "call", "starts", "argument", "key", "record", "path", "schedule"
]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line of the wiring is about."""

    kind: SubjectKind
    flow: FlowKey | None = None
    step: str | None = None
    """The slug."""
    name: str | None = None
    """A parameter (``argument``), a key of ``input`` (``key``), a module (``import``), an option (``path``),
    a schedule's slug."""
    record: TypeKey | None = None
    companion: CompanionKind | None = None
    """Of a handler that is none of the flow's steps: whether it is an undo or an end."""


WiringMap: TypeAlias = Mapping[int, Subject]
"""1-based line of ``_typecheck.py`` -> what it is about."""


@dataclass(slots=True)
class MappedLines:
    """Lines and what they are about."""

    lines: list[str] = field(default_factory=list)
    subjects: dict[int, Subject] = field(default_factory=dict)

    def add(self, line: str, subject: Subject | None = None) -> None:
        self.lines.append(line)
        if subject is not None:
            self.subjects[len(self.lines)] = subject
