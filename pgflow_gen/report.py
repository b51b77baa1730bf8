"""Findings as text for people, and as JSON, SARIF or GitHub annotations for programs. Pure."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TextIO, TypeAlias

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.snippet import snippet

Format: TypeAlias = Literal["text", "json", "github", "sarif"]
FORMATS: tuple[Format, ...] = ("text", "json", "github", "sarif")

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


def render_report(
    format: Format, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, colour: bool = False
) -> str:
    """All diagnostics in one text that ends with a line break; empty when there is nothing to say.

    ``sources`` maps paths to texts, for the snippets. JSON and SARIF are printed also when nothing
    was found.
    """
    if format == "sarif":
        from pgflow_gen.checks import rules
        from pgflow_gen.sarif import as_sarif

        return as_sarif(diagnostics, rules())
    if format == "json":
        return as_json(diagnostics)
    if format == "github":
        return "".join(f"{as_github(item)}\n" for item in diagnostics)
    return "".join(f"{as_text(item, sources, colour=colour)}\n" for item in diagnostics)


def as_text(item: Diagnostic, sources: Mapping[str, str], *, colour: bool = False) -> str:
    """A diagnostic with its line of source, as DSL.md shows it."""
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


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """One object with the key ``diagnostics``."""
    items = [
        {
            "code": item.code,
            "severity": item.severity,
            "path": item.span.path,
            "line": item.span.line,
            "column": item.span.column,
            "end_line": item.span.end_line,
            "end_column": item.span.end_column,
            "message": item.message,
            "notes": list(item.notes),
            "help": item.help,
        }
        for item in diagnostics
    ]
    return json.dumps({"diagnostics": items}, indent=2) + "\n"


def as_github(item: Diagnostic) -> str:
    """A workflow command of GitHub Actions, which shows the finding beside the changed line."""
    span = item.span
    fields = {
        "file": span.path,
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "title": item.code,
    }
    properties = ",".join(f"{name}={_escape(str(value), extra=':,')}" for name, value in fields.items())
    help = [] if item.help is None else [f"help: {item.help}"]
    body = "\n".join([item.message, *item.notes, *help])
    return f"::{item.severity} {properties}::{_escape(body)}"


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


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _paint(hue: str, text: str) -> str:
    return f"{hue}{text}{_PLAIN}"


def _unpainted(_hue: str, text: str) -> str:
    return text


def _one_line(text: str) -> str:
    """``text`` without line breaks and control characters, which names from a file may carry."""
    return "".join(character if character.isprintable() else " " for character in text)


def _escape(text: str, extra: str = "") -> str:
    for character in "%\r\n" + extra:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
