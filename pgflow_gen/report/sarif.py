"""Findings as SARIF 2.1.0, which code scanning services and editors read. Pure: returns a string.

The rules of the findings come along with their explanations and examples, so that a service can show them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pgflow_gen.checks import Rule
from pgflow_gen.diagnostics import Diagnostic, Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "PROJECTROOT"
"""Paths are relative to the project; where that is, is not for a report to tell."""


def as_sarif(diagnostics: Sequence[Diagnostic], rules: Mapping[str, Rule]) -> str:
    """One run with all findings, two blanks a level. ``rules`` explain the codes that were found."""
    codes = sorted({item.code for item in diagnostics})
    places = {code: at for at, code in enumerate(codes)}
    run = {
        "tool": {
            "driver": {
                "name": "pgflow-gen",
                "rules": [_rule(code, rules.get(code)) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder of the pyproject.toml"}}},
        "results": [_result(item, places[item.code]) for item in diagnostics],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": code}
    bad, good = ("Bad:", "Good:") if rule.kind == "module" else ("What happens:", "What to do:")
    markdown = [rule.text.strip(), bad, _fenced(rule.bad), good, _fenced(rule.good)]
    return {
        "id": code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.text.strip()},
        "help": {"text": rule.text.strip(), "markdown": "\n\n".join(markdown)},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(item: Diagnostic, rule: int) -> dict[str, Any]:
    help = [] if item.help is None else [f"help: {item.help}"]
    result: dict[str, Any] = {
        "ruleId": item.code,
        "ruleIndex": rule,
        "level": item.severity,
        "message": {"text": "\n".join([item.message, *(f"note: {note}" for note in item.notes), *help])},
        "locations": [_location(item.span)],
    }
    if item.highlight is not None:
        result["relatedLocations"] = [{"id": 1, **_location(item.highlight)}]
    return result


def _location(span: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(span.path), "uriBaseId": _ROOT},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.end_line,
                "endColumn": span.end_column,
            },
        }
    }


def _fenced(text: str) -> str:
    fence = "```" if "```" not in text else "````"
    return f"{fence}\n{text.strip()}\n{fence}"
