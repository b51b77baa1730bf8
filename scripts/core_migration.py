"""Write the core's first migration: the schema files, concatenated; and keep what was shipped as it was.

Until the first release the schema *is* migration 0001, so the two cannot drift: run this after each change of
the schema, and with ``--check`` in the test suite (exit code 1 and a diff when the migration is out of date).

A release runs it with ``--ship``, which records the digest of every migration. From then on they must not
change: a change of the schema also goes into a new migration. ``--draft NAME`` writes its functions: every
one whose text differs from what the migrations before make of it, and the settings and privileges that
close each migration. What functions cannot say (``alter table``, indexes, types, what is dropped) is
written by hand above a line that the draft puts there, and stays when the draft is written again;
tests/migration holds schema and migrations against each other.
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
DRAFTED = "-- ---- written by scripts/core_migration.py --draft: change the schema instead\n"
"""Above it in a draft stands what was written by hand."""
BY_HAND = "-- By hand: what has to happen to tables, indexes, types and rows before the functions below.\n"

_SECTION = re.compile(r"^-- ---- schema/(?P<name>\S+)\n", re.MULTILINE)
_CREATE = re.compile(r"^create (?:or replace )?(?P<kind>function|view) (?P<name>pgflow\.\w+)", re.MULTILINE)
_CLOSING = re.compile(r"9[89]_\w+/")


def schema(root: Path) -> dict[str, str]:
    """The schema files' texts by their paths, in the order in which they load."""
    folder = root / "schema"
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.sql")}
    return {name: paths[name].read_text(encoding="utf-8").rstrip() + "\n" for name in sorted(paths)}


def concatenated(texts: dict[str, str]) -> str:
    """Schema files one after the other, each under a line that tells where it comes from."""
    return "\n".join(f"-- ---- schema/{name}\n{text}" for name, text in texts.items())


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
    path = version_file(root)
    match = re.search(r"select (\d+)", path.read_text(encoding="utf-8"))
    if match is None or int(match[1]) != expected:
        return [f"{path.name} does not return {expected}, the number of the last migration"]
    return []


def version_file(root: Path) -> Path:
    (path,) = (root / "schema").rglob("*schema_version.sql")
    return path


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
        concatenated(schema(root)).splitlines(keepends=True),
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
        print(
            f"{FIRST} was shipped: nothing to write; changes go into a new migration (--draft NAME)",
            file=sys.stderr,
        )
        return check(root)
    target = root / "migrations" / FIRST
    target.parent.mkdir(exist_ok=True)
    target.write_text(concatenated(schema(root)), encoding="utf-8", newline="\n")
    return 0


def draft(root: Path, name: str) -> int:
    """Write the next migration, or write it again while it is not shipped; the exit code."""
    released = shipped(root)
    if FIRST not in released:
        print(f"{FIRST} is not shipped yet: run this without --draft", file=sys.stderr)
        return 1
    if not re.fullmatch(r"[a-z0-9_]+", name):
        print("a migration's name is made of lower-case letters, digits and underscores", file=sys.stderr)
        return 1
    number = len(released) + 1
    target = root / "migrations" / f"{number:04}_{name}.sql"
    others = [path.name for path in target.parent.glob(f"{number:04}_*.sql") if path != target]
    if others:
        print(f"{others[0]} is not shipped yet: draft that one again, or remove it", file=sys.stderr)
        return 1
    version = version_file(root)
    text = re.sub(r"select \d+", f"select {number}", version.read_text(encoding="utf-8"))
    version.write_text(text, encoding="utf-8", newline="\n")
    texts, before = schema(root), defined(root, list(released))
    changed = changes(texts, before)
    closing = {path: text for path, text in texts.items() if _CLOSING.match(path)}
    hand = target.read_text(encoding="utf-8").partition(DRAFTED)[0] if target.exists() else BY_HAND
    parts = [hand.rstrip() + "\n\n" + DRAFTED, concatenated({**changed, **closing})]
    target.write_text("\n".join(parts), encoding="utf-8", newline="\n")
    left = [path for path in unwritten(texts, before) if path not in closing]
    print(f"wrote {target.name}: {len(changed)} changed files")
    for path in left:
        print(f"by hand: {path}")
    return 0


def defined(root: Path, names: list[str]) -> dict[str, str]:
    """What the shipped migrations make of each object and each file: its latest text."""
    latest: dict[str, str] = {}
    for name in names:
        pieces = _SECTION.split((root / "migrations" / name).read_text(encoding="utf-8"))
        for path, text in zip(pieces[1::2], pieces[2::2], strict=True):
            latest[key_of(path, text)] = replacing(text.strip() + "\n")
    return latest


def changes(texts: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    """The functions and views whose text is not what was shipped, ready to replace it."""
    return {
        path: replacing(text)
        for path, text in texts.items()
        if _CREATE.search(text) and before.get(key_of(path, text)) != replacing(text)
    }


def unwritten(texts: dict[str, str], before: dict[str, str]) -> list[str]:
    """What differs and a draft cannot write: tables and the like, and objects that are gone."""
    keys = {key_of(path, text) for path, text in texts.items()}
    differing = [
        path
        for path, text in texts.items()
        if not _CREATE.search(text) and _statements(before.get(key_of(path, text), "")) != _statements(text)
    ]
    return differing + [f"{key} is gone" for key in before if key not in keys]


def key_of(path: str, text: str) -> str:
    """An object keeps its key when its file moves: the function's or view's name, else the file's."""
    match = _CREATE.search(text)
    return match["name"] if match else path.rpartition("/")[2]


def replacing(text: str) -> str:
    return _CREATE.sub(r"create or replace \g<kind> \g<name>", text)


def _statements(text: str) -> list[str]:
    """A file without its comments: a table's comment may change freely."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("--")]


def main() -> int:
    """Write the migration, check it, or record what is shipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; exit 1 when out of date")
    action.add_argument("--ship", action="store_true", help="record the migrations of a release")
    action.add_argument("--draft", metavar="NAME", help="write the next migration's functions")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of schema/ and migrations/")
    options = parser.parse_args()
    if options.ship:
        return ship(options.root)
    if options.draft:
        return draft(options.root, options.draft)
    return check(options.root) if options.check else write(options.root)


if __name__ == "__main__":
    sys.exit(main())
