"""Symbols to IR: reads a project's flows without importing them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_gen.analyze.result import Analyzed

if TYPE_CHECKING:
    from pgflow_gen.config import Config
    from pgflow_gen.diagnostics import Findings

__all__ = ["Analyzed", "analyze"]


def analyze(config: Config, findings: Findings, *, only: Path | None = None) -> Analyzed:
    """Read all flows of a project; faults go to ``findings``, what could be read is returned.

    With ``only`` the flows of that one file alone are read (its steps may stand in other modules), and the
    findings are about them. Raises ConfigError when the configuration names no files.
    """
    # libcst costs more to import than a warm build may take.
    from pgflow_gen.analyze.project import analyze_project

    return analyze_project(config, findings, only)
