"""Findings as annotations of GitHub Actions."""

from __future__ import annotations

from pgflow_gen.diagnostics import Diagnostic


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


def _escape(text: str, extra: str = "") -> str:
    for character in "%\r\n" + extra:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
