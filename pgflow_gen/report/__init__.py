"""Findings as text for people, and as JSON, SARIF or GitHub annotations for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.report.text import as_text, summary, wants_colour

__all__ = ["FORMATS", "Format", "render_report", "summary", "wants_colour"]

Format: TypeAlias = Literal["text", "json", "github", "sarif"]
FORMATS: tuple[Format, ...] = ("text", "json", "github", "sarif")


def render_report(
    format: Format, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, colour: bool = False
) -> str:
    """All diagnostics in one text that ends with a line break; empty when there is nothing to say.

    ``sources`` maps paths to texts, for the snippets. JSON and SARIF are printed also when nothing
    was found.
    """
    if format == "sarif":
        from pgflow_gen.checks import rules
        from pgflow_gen.report.sarif import as_sarif

        return as_sarif(diagnostics, rules())
    if format == "json":
        from pgflow_gen.report.json import as_json

        return as_json(diagnostics)
    if format == "github":
        from pgflow_gen.report.github import as_github

        return "".join(f"{as_github(item)}\n" for item in diagnostics)
    return "".join(f"{as_text(item, sources, colour=colour)}\n" for item in diagnostics)
