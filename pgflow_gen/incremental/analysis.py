"""``analyze``: all flows of a project, and what else its reading found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_gen.incremental.results import Memory
from pgflow_gen.ir.flow import Analysis

if TYPE_CHECKING:
    from pgflow_gen.config import Config
    from pgflow_gen.diagnostics import Findings
    from pgflow_gen.source.tracked_reads import Looks


@dataclass(frozen=True, slots=True)
class Analyzed:
    analysis: Analysis
    sources: Mapping[str, str]
    """Text of every file that counted, by path: for the snippets under findings."""
    module_paths: Mapping[str, str]
    """Path of every module that was parsed, by dotted name."""
    digests: Mapping[str, str]
    """Digest of every module that was parsed, by dotted name."""
    parts: Memory = field(default_factory=Memory, compare=False)
    """The modules and groups the analysis is made of."""


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
    from pgflow_gen.incremental.project import analyze_project
    from pgflow_gen.source.tracked_reads import Looks

    return analyze_project(looks or Looks(config), memory or Memory(), findings, only)
