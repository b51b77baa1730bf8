"""``analyze``: all flows of a project, without importing them; what is known already is not read again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_gen.incremental.analyzed import Analyzed
from pgflow_gen.incremental.results import CachedResults

if TYPE_CHECKING:
    from pgflow_gen.config import Config
    from pgflow_gen.diagnostics import Findings
    from pgflow_gen.source.files.tracked_reads import TrackedReads

__all__ = ["Analyzed", "analyze"]


def analyze(
    config: Config,
    findings: Findings,
    *,
    only: Path | None = None,
    reads: TrackedReads | None = None,
    cached: CachedResults | None = None,
) -> Analyzed:
    """Read all flows of a project; faults go to ``findings``, what could be read is returned.

    With ``only`` the flows of that one file alone are read (its steps may stand in other modules), and the
    findings are about them. ``cached`` is what earlier analyses found: of it, everything counts that is
    still current, and the outcome is the same as without. Raises ConfigError when the configuration names no
    files.
    """
    from pgflow_gen.incremental.project import analyze_project
    from pgflow_gen.source.files.tracked_reads import TrackedReads

    return analyze_project(reads or TrackedReads(config), cached or CachedResults(), findings, only)
