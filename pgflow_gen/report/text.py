"""Findings as text for people, with the line of source each is about."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TextIO

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.report.snippet import snippet
from pgflow_shared.text import counted

_RED, _YELLOW, _BLUE, _BOLD, _PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"


def wants_colour(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour what goes to ``stream``: a terminal, unless NO_COLOR; anything with FORCE_COLOR.

    None is a stream that the process was started without.
    """
    if stream is None or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def as_text(item: Diagnostic, sources: Mapping[str, str], *, colour: bool = False) -> str:
    """A diagnostic with its line of source, as specification/language.md shows it ("Findings")."""
    paint = _paint if colour else _unpainted
    hue = _RED if item.severity == "error" else _YELLOW
    head = (
        f"{item.span}: {paint(hue, f'{item.severity}[{item.code}]')}: {paint(_BOLD, _one_line(item.message))}"
    )
    lines = [head]
    marked = item.highlight or item.span
    piece = snippet(sources[marked.path], marked) if marked.path in sources else None
    if piece is not None:
        gutter = max(5, len(str(piece.line)))
        bar = paint(_BLUE, "|")
        lines.append(f"{paint(_BLUE, str(piece.line).rjust(gutter))} {bar} {piece.text}".rstrip())
        lines.append(f"{' ' * gutter} {bar} {' ' * piece.indent}{paint(hue, '^' * piece.width)}")
    lines += [f"   {paint(_BLUE, '=')} note: {_one_line(note)}" for note in item.notes]
    if item.help is not None:
        lines.append(f"   {paint(_BLUE, '=')} help: {_one_line(item.help)}")
    return "\n".join(lines)


def summary(diagnostics: Sequence[Diagnostic], *, file_count: int, flow_count: int, step_count: int) -> str:
    """The closing line: how many errors in how many files, or what was found in order."""
    errors = [item for item in diagnostics if item.severity == "error"]
    warnings = len(diagnostics) - len(errors)
    if errors:
        parts = [counted(len(errors), "error"), *([counted(warnings, "warning")] if warnings else [])]
        paths = len({item.span.path for item in errors})
        files = f"{paths} of {counted(max(file_count, paths), 'file')}"
        return f"{' and '.join(parts)} in {files}"
    verdict = f"no errors, {counted(warnings, 'warning')}" if warnings else "no faults"
    return f"{counted(flow_count, 'flow')}, {counted(step_count, 'step')}: {verdict}"


def _paint(hue: str, text: str) -> str:
    return f"{hue}{text}{_PLAIN}"


def _unpainted(_hue: str, text: str) -> str:
    return text


def _one_line(text: str) -> str:
    """``text`` without line breaks and control characters, which names from a file may carry."""
    return "".join(character if character.isprintable() else " " for character in text)
