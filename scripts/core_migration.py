"""Write the core's first migration: the schema files, concatenated.

Until the first release the schema *is* migration 0001, so the two cannot drift: run this after each change of
the schema, and with ``--check`` in the test suite (exit code 1 and a diff when the migration is out of date).
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "sql" / "pgflow_sql"
TARGET = ROOT / "migrations" / "0001_core.sql"
VERSION_FILE = "*_schema_version.sql"


def concatenated() -> str:
    """The schema files in the order of their names, each under a line that tells where it comes from."""
    parts = [
        f"-- ---- schema/{path.name}\n{path.read_text(encoding='utf-8').rstrip()}\n"
        for path in sorted((ROOT / "schema").glob("*.sql"))
    ]
    return "\n".join(parts)


def version_fault() -> str | None:
    """What is wrong with the number in ``schema_version()``, if it is not that of the last migration."""
    expected = int(max(path.name for path in TARGET.parent.glob("*.sql")).split("_", 1)[0])
    (path,) = (ROOT / "schema").glob(VERSION_FILE)
    match = re.search(r"select (\d+)", path.read_text(encoding="utf-8"))
    if match is None or int(match[1]) != expected:
        return f"{path.name} does not return {expected}, the number of the last migration"
    return None


def check(text: str) -> int:
    """Compare without writing; the exit code."""
    current = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    fault = version_fault() if TARGET.exists() else None
    if fault:
        print(fault, file=sys.stderr)
        return 1
    if current == text:
        return 0
    lines = difflib.unified_diff(
        current.splitlines(keepends=True), text.splitlines(keepends=True), "migration", "schema", n=2
    )
    sys.stdout.writelines(lines)
    print(f"{TARGET.name} differs from the schema: run python scripts/core_migration.py", file=sys.stderr)
    return 1


def main() -> int:
    """Write the migration, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when out of date")
    text = concatenated()
    if parser.parse_args().check:
        return check(text)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
