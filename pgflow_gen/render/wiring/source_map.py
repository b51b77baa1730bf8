"""What the lines of the wiring are about, kept while they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pgflow_gen.ir.flow import FlowKey
from pgflow_gen.ir.types import TypeKey

PlaceKind: TypeAlias = Literal["import", "input", "binding", "call", "argument", "key", "record"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a line of the wiring is about."""

    kind: PlaceKind
    flow: FlowKey | None = None
    step: str | None = None
    """The slug."""
    name: str | None = None
    """A parameter (``argument``), a key of ``input`` (``key``), a module (``import``)."""
    record: TypeKey | None = None


WiringMap: TypeAlias = Mapping[int, Place]
"""1-based line of ``_typecheck.py`` -> what it is about."""


@dataclass(slots=True)
class Page:
    """Lines and what they are about."""

    lines: list[str] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)

    def add(self, line: str, place: Place | None = None) -> None:
        self.lines.append(line)
        if place is not None:
            self.places[len(self.lines)] = place
