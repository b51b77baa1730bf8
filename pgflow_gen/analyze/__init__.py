"""Symbols to IR: reads a project's flows without importing them."""

from __future__ import annotations

import warnings
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

    with warnings.catch_warnings():
        # Python warns of odd escapes in the strings we evaluate; that is between it and the author.
        warnings.simplefilter("ignore")
        return analyze_project(config, findings, only)
