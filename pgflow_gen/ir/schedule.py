"""A schedule as written in ``flow.schedule(...)``."""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from pgflow_gen.diagnostics import Span
from pgflow_gen.ir.options import Json, Option
from pgflow_gen.light_dataclass import dataclass

Path: TypeAlias = tuple[str, ...]
"""Keys, and indices of lists as text: what SQL's ``#>`` takes."""


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """One schedule of a flow. In ``input``, null stands where ``dates`` and ``times`` lead."""

    slug: str
    input: Json
    dates: tuple[Path, ...] = ()
    """Where the date of a fire is put: ``FIRE_DATE``."""
    times: tuple[Path, ...] = ()
    """Where its time is put: ``FIRE_TIME``."""
    options: tuple[Option, ...] = ()
    """Everything but the slug and ``input``."""
    unread: frozenset[str] = frozenset()
    """What was written but could not be read (a finding says why)."""
    module: str = ""
    span: Span = field(compare=False, kw_only=True)
    """The slug."""
    input_span: Span | None = field(default=None, compare=False, kw_only=True)

    def option(self, name: str) -> Json:
        """The value written for an option; None when it was not written."""
        return next((item.value for item in self.options if item.name == name), None)
