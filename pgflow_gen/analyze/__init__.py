"""Symbols to IR: reads a project's flows without importing them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_gen.analyze.result import Analyzed
from pgflow_gen.analyze.units import Group, Memory, Surveyed

if TYPE_CHECKING:
    from pgflow_gen.config import Config
    from pgflow_gen.diagnostics import Findings
    from pgflow_gen.source.looks import Looks

__all__ = ["Analyzed", "Group", "Memory", "Surveyed", "analyze"]


def analyze(
    config: Config,
    findings: Findings,
    *,
    only: Path | None = None,
    looks: Looks | None = None,
    memory: Memory | None = None,
) -> Analyzed:
    """Read all flows of a project; faults go to ``findings``, what could be read is returned.

    With ``only`` the flows of that one file alone are read (its steps may stand in other modules), and the
    findings are about them. ``memory`` is what earlier analyses found: of it, everything counts whose
    evidence still holds, and the outcome is the same as without. Raises ConfigError when the configuration
    names no files.
    """
    from pgflow_gen.analyze.whole import analyze_project
    from pgflow_gen.source.looks import Looks

    return analyze_project(looks or Looks(config), memory or Memory(), findings, only)
