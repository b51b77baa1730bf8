"""SARIF 2.1.0: what the standard's schema demands of a report, and what readers need to show it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from pgflow_gen.checks import rules
from pgflow_gen.diagnostics import Diagnostic, Span
from pgflow_gen.report import render_report

PATH = "flows/größe 1.py"
ERROR = Diagnostic(
    "PGF303",
    "step 'report' asks for 'list[str]'",
    Span(PATH, 31, 12, 31, 28),
    ("step 'fetch' returns list[Page]",),
    "annotate it as list[Page]",
    highlight=Span(PATH, 31, 19, 31, 28),
)
WARNING = Diagnostic("PGF302", "Any is not checked", Span(PATH, 1, 1, 2, 1), severity="warning")

# The properties of the standard's schema that this report uses; each object as closed as there.
_TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}, "markdown": {"type": "string"}},
    "additionalProperties": False,
}
_LOCATIONS = {"type": "array", "uniqueItems": True}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_POSITIVE = {"type": "integer", "minimum": 1}
_LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": -1},
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "uri": {"type": "string", "format": "uri-reference"},
                        "uriBaseId": {"type": "string"},
                    },
                },
                "region": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": dict.fromkeys(
                        ("startLine", "startColumn", "endLine", "endColumn"), _POSITIVE
                    ),
                },
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "originalUriBaseIds": {"type": "object"},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": _TEXT,
                                                "fullDescription": _TEXT,
                                                "help": _TEXT,
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "additionalProperties": False,
                                                    "properties": {"level": _LEVEL},
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": _LEVEL,
                                "message": _TEXT,
                                "locations": {"type": "array", "items": _LOCATION},
                                "relatedLocations": {**_LOCATIONS, "items": _LOCATION},
                            },
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip


def sarif(*diagnostics: Diagnostic) -> dict[str, Any]:
    document = json.loads(render_report("sarif", diagnostics, {}))
    jsonschema_rs.Draft7Validator(SCHEMA, validate_formats=True).validate(document)
    found: dict[str, Any] = document["runs"][0]
    return found


def test_each_result_names_its_rule_and_place() -> None:
    run = sarif(ERROR, WARNING, ERROR)
    known = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in known] == ["PGF302", "PGF303"]
    assert [known[result["ruleIndex"]]["id"] for result in run["results"]] == ["PGF303", "PGF302", "PGF303"]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "flows/gr%C3%B6%C3%9Fe%201.py"
    assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
    assert place["region"] == {"startLine": 31, "startColumn": 12, "endLine": 31, "endColumn": 28}
    marked = run["results"][0]["relatedLocations"][0]["physicalLocation"]["region"]
    assert marked["startColumn"] == 19
    text = run["results"][0]["message"]["text"]
    assert text.splitlines() == [ERROR.message, f"note: {ERROR.notes[0]}", f"help: {ERROR.help}"]


@pytest.mark.parametrize("code", rules())
def test_every_rule_explains_itself(code: str) -> None:
    run = sarif(Diagnostic(code, "wrong", Span(PATH, 1, 1, 1, 1)))
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == rules()[code].title
    assert rules()[code].good.strip() in rule["help"]["markdown"]
    assert rule["defaultConfiguration"]["level"] == rules()[code].severity


def test_a_clean_report_is_a_run_without_results() -> None:
    """A service takes it as the news that what was found before is mended."""
    assert sarif()["results"] == []


def test_codes_without_a_rule_are_reported_all_the_same() -> None:
    assert sarif(Diagnostic("PGF999", "new", Span(PATH, 1, 1, 1, 1)))["results"][0]["ruleId"] == "PGF999"
