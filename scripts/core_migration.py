"""Write the core's first migration: the schema files, concatenated; and keep what was shipped as it was.

Until the first release the schema *is* migration 0001, so the two cannot drift: run this after each change of
the schema, and with ``--check`` in the test suite (exit code 1 and a diff when the migration is out of date).

A release runs it with ``--ship``, which records the digest of every migration. From then on they must not
change: a change of the schema also goes into a new migration (``create or replace function``, ``alter
table``; names, parameters and results of public functions stay), which tests/migration holds against it.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "sql" / "pgflow_sql"
FIRST = "0001_core.sql"
SHIPPED = "shipped.txt"
"""In the migrations' folder: digest and name of each shipped one, as ``sha256sum --check`` reads it."""


def concatenated(root: Path) -> str:
    """The schema files in the order of their names, each under a line that tells where it comes from."""
    parts = [
        f"-- ---- schema/{path.name}\n{path.read_text(encoding='utf-8').rstrip()}\n"
        for path in sorted((root / "schema").glob("*.sql"))
    ]
    return "\n".join(parts)


def shipped(root: Path) -> dict[str, str]:
    """Digest by name of the migrations that were released."""
    path = root / "migrations" / SHIPPED
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.split() for line in lines if line.strip())
    return {name: digest for digest, name in pairs}


def faults(root: Path) -> list[str]:
    """What is wrong with shipped migrations, the order of new ones, and the number of the version."""
    folder = root / "migrations"
    present = {path.name: digest_of(path) for path in sorted(folder.glob("*.sql"))}
    known = shipped(root)
    found = [
        f"{name} was shipped and is gone: restore it"
        if name not in present
        else f"{name} was shipped and changed: restore it, and put the change in a new migration"
        for name, digest in known.items()
        if present.get(name) != digest
    ]
    numbers = [int(name.split("_", 1)[0]) for name in present]
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"migrations are not numbered from 1 on without gaps: {', '.join(present)}")
    if not found:
        found += version_faults(root, numbers[-1])
    return found


def version_faults(root: Path, expected: int) -> list[str]:
    """Whether ``schema_version()`` returns the number of the last migration."""
    (path,) = (root / "schema").glob("*_schema_version.sql")
    match = re.search(r"select (\d+)", path.read_text(encoding="utf-8"))
    if match is None or int(match[1]) != expected:
        return [f"{path.name} does not return {expected}, the number of the last migration"]
    return []


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def difference(root: Path) -> str:
    """How the first migration differs from the schema, while it is a draft."""
    path = root / "migrations" / FIRST
    if FIRST in shipped(root):
        return ""
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        current.splitlines(keepends=True),
        concatenated(root).splitlines(keepends=True),
        "migration",
        "schema",
        n=2,
    )
    return "".join(lines)


def check(root: Path) -> int:
    """Compare without writing; the exit code."""
    found = faults(root)
    changes = difference(root)
    if changes:
        sys.stdout.write(changes)
        found.append(f"{FIRST} differs from the schema: run python scripts/core_migration.py")
    for fault in found:
        print(fault, file=sys.stderr)
    return int(bool(found))


def ship(root: Path) -> int:
    """Record the digests of all migrations: from now on they never change."""
    if check(root):
        return 1
    folder = root / "migrations"
    lines = [f"{digest_of(path)}  {path.name}\n" for path in sorted(folder.glob("*.sql"))]
    (folder / SHIPPED).write_text("".join(lines), encoding="utf-8", newline="\n")
    return 0


def write(root: Path) -> int:
    """Write the first migration while it is a draft; leave shipped ones alone."""
    if FIRST in shipped(root):
        print(f"{FIRST} was shipped: nothing to write; changes go into a new migration", file=sys.stderr)
        return check(root)
    target = root / "migrations" / FIRST
    target.parent.mkdir(exist_ok=True)
    target.write_text(concatenated(root), encoding="utf-8", newline="\n")
    return 0


def main() -> int:
    """Write the migration, check it, or record what is shipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; exit 1 when out of date")
    action.add_argument("--ship", action="store_true", help="record the migrations of a release")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of schema/ and migrations/")
    options = parser.parse_args()
    if options.ship:
        return ship(options.root)
    return check(options.root) if options.check else write(options.root)


if __name__ == "__main__":
    sys.exit(main())
