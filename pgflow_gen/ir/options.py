"""An option as it was written, and the values it may have."""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from pgflow_gen.diagnostics import Span
from pgflow_gen.light_dataclass import dataclass

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Option:
    """As written in ``Flow(...)``, a decorator and the like; ``value`` is its statically known value."""

    name: str
    value: Json
    span: Span = field(compare=False)
