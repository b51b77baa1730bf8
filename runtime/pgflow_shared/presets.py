"""Presets: ``Flow`` and ``Context`` with what a platform brings, in a module of the runtime of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Preset:
    """``name`` stands in the contracts of its flows, and is that of the extra that installs it.

    Attributes:
        module: where its ``Flow`` and ``Context`` are imported from.
        package: what has to be importable where its flows are worked on.
        variables: what has to be set in a worker's environment.
    """

    name: str
    module: str
    package: str
    variables: tuple[str, ...]


SUPABASE: Final = Preset(
    "supabase", "pgflow_runtime.supabase", "supabase", ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY")
)
PRESETS: Final[Mapping[str, Preset]] = {preset.name: preset for preset in (SUPABASE,)}


def preset_of(module: str) -> str | None:
    """The preset whose ``Flow`` a module exports."""
    return next((preset.name for preset in PRESETS.values() if preset.module == module), None)
