"""An option as the database keeps it."""

from __future__ import annotations

from pgflow_gen.ir.options import Json
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.options import Key, Named


@dataclass(frozen=True, slots=True)
class Setting:
    """An option as the database keeps it."""

    word: str
    """Its key in settings."""
    sql: Named | Key
    value: Json
    is_json: bool = False
    """Whether the parameter of SQL is of type jsonb."""
