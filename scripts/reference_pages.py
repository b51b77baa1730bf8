"""Write docs/reference/sql.md from the core's files and docs/reference/configuration.md from the JSON Schema.

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

from pgflow_sql import SqlFile, schema_files

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"

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
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Runs": (
        "start_flow", "get_run", "list_runs", "find_runs", "get_task", "list_tasks", "count_tasks",
        "watch_runs", "unwatch_runs",
    ),
    "Definitions": (
        "create_flow", "add_step", "alter_flow", "alter_step", "get_flow_definition", "get_flow_shape",
        "ensure_flow_compiled", "create_flow_from_shape", "compare_flow_shapes", "delete_flow_and_data",
    ),
    "Tasks": (
        "claim_tasks", "read_with_poll", "start_tasks", "complete_task", "fail_task", "release_tasks",
        "exchange_tasks", "started_tasks",
    ),
    "Workers": (
        "register_worker", "heartbeat_workers", "mark_worker_stopped", "deprecate_worker", "announce_idle",
        "withdraw_idle", "list_workers", "track_worker_function", "ensure_workers",
    ),
    "Keeping house": ("recover_stalled_tasks", "requeue_stalled_tasks", "prune"),
    "Figures": ("list_flows", "measure_"),
}  # fmt: skip
"""Sections and what the names in them begin with; the rest follows under "More"."""

_FUNCTION = re.compile(
    r"^create (?:or replace )?function pgflow\.(?P<name>\w+)\((?P<arguments>.*?)\)\s*"
    r"returns (?P<result>.*?)\n"
    r"(?=language|stable|immutable|volatile|security|as |set |strict|parallel|cost)",
    re.MULTILINE | re.DOTALL,
)


def pages() -> dict[Path, str]:
    return {FOLDER / "sql.md": sql_page(), FOLDER / "configuration.md": configuration_page()}


def sql_page() -> str:
    entries = dict(sorted(entry for file in schema_files() for entry in entries_of(file)))
    parts = [SQL_HEAD]
    for section, starts in SECTIONS.items():
        names = [name for start in starts for name in entries if name.startswith(start)]
        parts.append(f"\n## {section}\n")
        parts += [entries.pop(name) for name in dict.fromkeys(names)]
    parts.append("\n## More\n")
    parts += entries.values()
    return "".join(parts)


def entries_of(file: SqlFile) -> list[tuple[str, str]]:
    """Name and entry of each public function of a file; its head is the file's first comment."""
    head = re.match(r"(?:--[^\n]*\n)+", file.text)
    text = re.sub(r"(?m)^-- ?", "", head[0]).strip() if head is not None else ""
    found = [match for match in _FUNCTION.finditer(file.text) if not match["name"].startswith("_")]
    if found and not text:
        raise SystemExit(f"{file.name} does not begin with a comment that says what it does")
    return [(match["name"], entry(match, text)) for match in found]


def entry(function: re.Match[str], text: str) -> str:
    arguments = " ".join(function["arguments"].split())
    result = " ".join(function["result"].split())
    signature = f"pgflow.{function['name']}({arguments}) returns {result}"
    prose = text.replace("<", "&lt;").replace("*", "\\*")
    return f"\n### {function['name']}\n\n`{signature}`\n\n{prose}\n"


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
