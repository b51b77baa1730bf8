"""402: migrations that are not what was written, and those that two branches gave one place."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.write.migrations.folder import MigrationsFolder
from pgflow_gen.write.migrations.ledger import Entry, Ledger
from pgflow_gen.write.migrations.next_ledger import MigrationTarget, NextLedger
from pgflow_shared.companions import flow_of
from pgflow_shared.system.digest import digest

CODE = "PGF402"
_RENUMBER = "run `pgflow-gen build --renumber`: it moves drafts behind all other migrations"


def rewritten_history(
    ledger: Ledger, result: NextLedger, folder: MigrationsFolder, findings: Findings
) -> None:
    """Shipped migrations, and drafts whose flow is gone, that do not read as they did."""
    kept = result.ledger.names
    for entry in ledger.entries:
        if not entry.shipped and (entry.name in result.drafts or entry.name not in kept):
            continue  # rendered anew, or given up: the plan's business
        path = folder.path(entry.name)
        content = folder.folders.read(path)
        if content is None:
            findings.add(
                CODE,
                Span.file(path),
                "this migration was written before and is missing now",
                notes=["it was shipped: databases may have had it"] if entry.shipped else (),
                help="restore it from version control; if `migrations` is a new folder, move it there",
            )
        elif digest(content) != entry.digest:
            findings.add(CODE, Span.file(path), _edited(entry), help=_way_back(entry))


def shared_places(
    ledger: Ledger, result: NextLedger, analysis: Analysis, target: MigrationTarget, findings: Findings
) -> None:
    """Drafts with another migration's number, or another's place in the chain; and forgotten migrations."""
    now = result.ledger
    flows = {flow.db_slug for flow in analysis.flows}
    others: dict[int, list[str]] = {}
    known = now.names | result.moved
    for entry in now.entries:
        others.setdefault(entry.prefix, []).append(entry.name)
    for orphan in target.folder.orphans(ledger):
        if orphan.name in known:
            continue
        others.setdefault(orphan.prefix, []).append(orphan.name)
        if (flow_of(orphan.flow) or orphan.flow) in flows:
            findings.add(
                CODE,
                Span.file(target.folder.path(orphan.name)),
                f"the manifest does not tell of this migration of flow {orphan.flow!r}",
                help="restore manifest.json from version control; or delete this file, if nothing applied it",
            )
    for name, other in sorted(
        {**_same_prefix(result, others), **_same_parent(ledger, result, target)}.items()
    ):
        findings.add(CODE, Span.file(target.folder.path(name)), other, help=_RENUMBER)


def _same_prefix(result: NextLedger, others: dict[int, list[str]]) -> dict[str, str]:
    """Drafts that are not the only ones of their number: all of them, but for one that may keep it."""
    found: dict[str, str] = {}
    for prefix, names in others.items():
        movable = [name for name in sorted(names) if name in result.drafts]
        if len(movable) == len(names):
            movable = movable[1:]
        for name in movable:
            other = next(one for one in sorted(names) if one != name)
            found[name] = f"this migration and {other} have the same number, {prefix:04d}"
    return found


def _same_parent(ledger: Ledger, result: NextLedger, target: MigrationTarget) -> dict[str, str]:
    """Drafts that follow a migration which another one follows as well."""
    if not target.style.is_chained:
        return {}
    followers: dict[str | None, list[str]] = {}
    for entry in result.ledger.entries:
        followers.setdefault(entry.after, []).append(entry.name)
    for name, after in _parents(ledger, result, target):
        followers.setdefault(after, []).append(name)
    found: dict[str, str] = {}
    for names in followers.values():
        movable = [name for name in sorted(names) if name in result.drafts]
        if len(movable) == len(names):
            movable = movable[1:]
        for name in movable:
            other = next(one for one in sorted(names) if one != name)
            found[name] = f"this migration and {other} follow the same one"
    return found


def _parents(ledger: Ledger, result: NextLedger, target: MigrationTarget) -> Iterator[tuple[str, str | None]]:
    known = result.ledger.names
    for name in target.folder.strangers(ledger):
        if name not in known:
            node = target.style.node(name, target.folder.text(name), target.app)
            if node is not None:
                yield from ((name, after) for after in node.after or (None,))


def _edited(entry: Entry) -> str:
    if entry.shipped:
        return "this migration was edited after it was shipped"
    return "this draft was edited by hand, and no flow asks for it any more"


def _way_back(entry: Entry) -> str:
    if entry.shipped:
        return "restore it from version control: databases have had it, a correction is a new migration"
    return "take the edit back, or delete the file"
