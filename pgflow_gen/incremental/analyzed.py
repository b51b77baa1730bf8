"""What ``analyze`` hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pgflow_gen.incremental.results import CachedResults
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.light_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Analyzed:
    analysis: Analysis
    sources: Mapping[str, str]
    """Text of every file that counted, by path: for the snippets under findings."""
    module_paths: Mapping[str, str]
    """Path of every module that was parsed, by dotted name."""
    digests: Mapping[str, str]
    """Digest of every module that was parsed, by dotted name."""
    results: CachedResults = field(default_factory=CachedResults, compare=False)
    """The modules and groups the analysis is made of."""
