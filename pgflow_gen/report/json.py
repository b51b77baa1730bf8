"""Findings as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pgflow_gen.diagnostics import Diagnostic


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
