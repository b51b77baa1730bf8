"""Write docs/reference: sql.md from the core's files, configuration.md and recording.md from JSON Schemas.

    python scripts/reference_pages.py [--check]

With --check: writes nothing, prints the difference and exits 1 if there is one.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pgflow_sql.surface import SurfaceEntry, surface

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
RECORDING = ROOT / "runtime" / "pgflow_runtime" / "testing" / "recordings" / "recording.schema.json"

SQL_HEAD = """\
# SQL functions

Everything the engine does is a function in schema `pgflow`; a program in any language may call what workers
and clients call. Functions whose name begins with an underscore are the core's own and may change at any
time; so may tables' columns that no function here returns. Errors carry the SQLSTATEs listed under
[Errors](../errors.md). With `pgflow-gen migrate --roles` each function can be called by the roles that need
it only.

This page is made by `scripts/reference_pages.py` from the heads of the SQL files.
"""
CONFIGURATION_HEAD = """\
# Configuration

Everything stands in `pyproject.toml`, under `[tool.pgflow-gen]`, and everything has a default: the section
may be empty. `pgflow-gen config-schema` prints this as JSON Schema for your editor. This page is made from
it by `scripts/reference_pages.py`.

| key | default | meaning |
|---|---|---|
"""
RECORDING_HEAD = """\
# Recordings

What `pgflow-gen runs export` writes, and `pgflow-gen replay` and `run_flow(flow, recorded=FILE)` read: one
JSON document of one or more runs. Keys stand only where there is something to say. Values are as the database
holds them, numbers with all their digits. Each value stands once: what a step that completed has given with
the step, what single tasks of another have given with the tasks; the run's output is that of its leaf steps.

A new version of the format has a new number, and programs go on reading the old ones. This page is made from
the JSON Schema by `scripts/reference_pages.py`.
"""
SECTIONS: Mapping[str, str] = {
    "40_runs": "Starting runs",
    "55_control": "Control over runs",
    "70_reading": "Reading runs and figures",
    "30_definition": "Definitions",
    "50_tasks": "Tasks",
    "56_timers": "Timers",
    "57_waits": "Signals",
    "58_schedules": "Schedules",
    "60_workers": "Workers",
    "80_maintenance": "Maintenance",
    "90_compat": "For programs of pgflow",
    "00_model": "The core itself",
    "10_types": "Small helpers",
}
"""The headings of the page, by the schema's folders."""

_FUNCTION = re.compile(
    r"^create (?:or replace )?function pgflow\.(?P<name>\w+)\((?P<arguments>.*?)\)\s*"
    r"returns (?P<result>.*?)\n"
    r"(?=language|stable|immutable|volatile|security|as |set |strict|parallel|cost)",
    re.MULTILINE | re.DOTALL,
)


def pages() -> dict[Path, str]:
    return {
        FOLDER / "sql.md": sql_page(),
        FOLDER / "configuration.md": configuration_page(),
        FOLDER / "recording.md": recording_page(),
    }


def sql_page() -> str:
    entries = [entry for entry in surface() if entry.kind == "function"]
    parts = [SQL_HEAD]
    for folder, title in SECTIONS.items():
        parts.append(f"\n## {title}\n")
        parts += [described(entry) for entry in entries if entry.file.folder == folder]
    left = sorted({entry.file.folder for entry in entries} - set(SECTIONS))
    if left:
        raise SystemExit(f"SECTIONS lacks {', '.join(left)}")
    return "".join(parts)


def described(entry: SurfaceEntry) -> str:
    """A function's part of the page, made of its file's head and its declaration."""
    text = entry.file.text
    head = re.match(r"(?:--[^\n]*\n)+", text)
    prose = re.sub(r"(?m)^-- ?", "", head[0] if head else "").partition("\n")[2].strip()
    if not prose:
        raise SystemExit(f"{entry.file.name} does not begin with a comment that says what it does")
    (function,) = (match for match in _FUNCTION.finditer(text) if match["name"] == entry.name)
    arguments = " ".join(function["arguments"].split())
    signature = f"pgflow.{entry.name}({arguments}) returns {' '.join(function['result'].split())}"
    prose = prose.replace("<", "&lt;").replace("*", "\\*")
    return f"\n### {entry.name}\n\n`{signature}`\n\nFor: {', '.join(entry.callers)}.\n\n{prose}\n"


def configuration_page() -> str:
    command = [sys.executable, "-m", "pgflow_gen", "config-schema"]
    schema = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    rows = [row(name, found) for name, found in schema["properties"].items()]
    return CONFIGURATION_HEAD + "".join(rows)


def row(name: str, found: Mapping[str, Any]) -> str:
    default = f"`{json.dumps(found['default'])}`" if "default" in found else ""
    choices = ", ".join(f"`{word}`" for word in found.get("enum", ()))
    meaning = found["description"] + (f" One of {choices}." if choices else "")
    return f"| `{name}` | {default} | {meaning} |\n"


def recording_page() -> str:
    text = RECORDING.read_text(encoding="utf-8")
    schema = json.loads(text)
    parts = [RECORDING_HEAD]
    for name, found in {"document": schema, **schema["$defs"]}.items():
        if "properties" not in found:
            continue
        parts.append(f"\n## The {name}\n\n| key | type | meaning |\n|---|---|---|\n")
        parts += [recording_row(key, value, schema) for key, value in found["properties"].items()]
    parts.append(f"\n## JSON Schema\n\n```json\n{text}```\n")
    return "".join(parts)


def recording_row(key: str, found: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    told = found if "$ref" not in found else {**schema["$defs"][found["$ref"].rpartition("/")[2]], **found}
    of = found.get("items", found.get("additionalProperties", {}))
    inner = of.get("$ref", "").rpartition("/")[2] or of.get("type", "")
    types = told.get("type", "integer" if "const" in told else "string" if "enum" in told else "any")
    named = types if isinstance(types, str) else " or ".join(types)
    choices = ", ".join(f"`{word}`" for word in found.get("enum", ()))
    meaning = " ".join(filter(None, (told.get("description", ""), choices)))
    return f"| `{key}` | {named}{f' of {inner}' if inner else ''} | {meaning} |\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the reference pages that are made from code.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 with a diff")
    check = parser.parse_args().check
    differs = False
    for path, wanted in pages().items():
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found == wanted:
            continue
        differs = True
        if check:
            old, new = found.splitlines(keepends=True), wanted.splitlines(keepends=True)
            sys.stdout.writelines(difflib.unified_diff(old, new, str(path), "the code"))
        else:
            path.write_text(wanted, encoding="utf-8", newline="\n")
    return int(check and differs)


if __name__ == "__main__":
    sys.exit(main())
