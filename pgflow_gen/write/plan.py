"""What a build would do to the disk: create, change, delete or keep each file of ours."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic, Findings, Span
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render.rendered import Rendered, RenderedFile
from pgflow_gen.write.changes.gone_versions import gone_versions
from pgflow_gen.write.changes.shapes import changed_shapes
from pgflow_gen.write.changes.types import changed_types
from pgflow_gen.write.errors import WriteError
from pgflow_gen.write.folders import Folders
from pgflow_gen.write.git_conflicts import has_conflict
from pgflow_gen.write.manifest import NAME, Manifest, decode_merged, shapes, tool_version
from pgflow_gen.write.migrations.folder import MigrationsFolder
from pgflow_gen.write.migrations.history import rewritten_history, shared_places
from pgflow_gen.write.migrations.ledger import Ledger
from pgflow_gen.write.migrations.next_ledger import MigrationTarget, NextLedger, next_ledger
from pgflow_shared.styles import style_of
from pgflow_shared.system.digest import digest, same

ChangeKind: TypeAlias = Literal["create", "change", "delete", "keep"]


@dataclass(frozen=True, slots=True)
class Change:
    """One file; ``path`` is POSIX and relative to the project. A kept file's contents are left out.

    ``is_edited``: not as it was written by us. ``was_written``: the manifest tells of it.
    """

    kind: ChangeKind
    path: str
    old: bytes | None
    new: bytes | None
    is_edited: bool = False
    was_written: bool = False
    is_migration: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All files, sorted by path, the manifest last: it tells of the others.

    ``findings`` are what stands against carrying it out (401, 402).
    """

    folders: Folders
    changes: tuple[Change, ...]
    findings: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    """What is to be known before it is carried out (317, 405-409)."""
    digests: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Of all files but the manifest that are to be as they were rendered."""

    @property
    def is_clean(self) -> bool:
        return all(change.kind == "keep" for change in self.changes)

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind != "keep")


def make_plan(
    rendered: Rendered,
    config: Config,
    *,
    renumber: bool = False,
    now: datetime | None = None,
    written: Mapping[str, str] | None = None,
) -> Plan:
    """Compare ``rendered``, and the migrations that follow from it, with the disk. Writes nothing.

    Args:
        renumber: move drafts behind all other migrations, and join a manifest with a merge's conflict.
        now: in UTC, for styles whose names start with the time; the clock's by default.
        written: digests of files, by path in the project, that surely are on the disk and need not be read.

    Raises WriteError when a folder cannot be used, or a file that is not ours stands in the way.
    """
    before = _read(config, now or datetime.now(UTC))
    result = next_ledger(before.manifest.ledger, rendered, before.target, renumber=renumber)
    findings = _judge(before, rendered, result, renumber=renumber)
    changes, digests = _diff(before, rendered, result, written or {})
    warnings = Findings()
    gone_versions(before.manifest.ledger, rendered.analysis, warnings)
    if not findings.has_errors:
        changed_types(before.manifest.ledger, rendered, warnings)
    return Plan(before.folders, changes, findings.sorted(), warnings.sorted(), digests)


@dataclass(frozen=True, slots=True)
class _Before:
    """The project before the build: its folders, its manifest as bytes and as read, its migrations."""

    folders: Folders
    manifest_path: str
    manifest_bytes: bytes | None
    manifest: Manifest
    target: MigrationTarget


def _read(config: Config, now: datetime) -> _Before:
    """Raises WriteError for a folder or a manifest that cannot be used, and for another style."""
    folders = Folders.of(config)
    path, content, manifest = _written(folders)
    return _Before(folders, path, content, manifest, _target(config, folders, manifest.ledger, now))


def _judge(before: _Before, rendered: Rendered, result: NextLedger, *, renumber: bool) -> Findings:
    """What stands against the plan: changed shapes (401), and a history that is not as it was (402)."""
    findings, ledger, target = Findings(), before.manifest.ledger, before.target
    changed_shapes(ledger, rendered.analysis, findings, lambda flow: rendered.summary(flow).structure)
    rewritten_history(ledger, result, target.folder, findings)
    shared_places(ledger, result, rendered.analysis, target, findings)
    content = before.manifest_bytes
    if content is not None and has_conflict(content) and not renumber:
        _conflict(before.manifest_path, findings)
    return findings


def _diff(
    before: _Before, rendered: Rendered, result: NextLedger, written: Mapping[str, str]
) -> tuple[tuple[Change, ...], dict[str, str]]:
    """Every change by path, the manifest's last; and the digests of all that was rendered."""
    folders, old, folder = before.folders, before.manifest, before.target.folder
    wanted = _wanted(before, rendered, result)
    digests = {path: file.digest for path, file in wanted.items()}
    # Shipped migrations, and those of flows that are gone: no longer rendered, and not to be touched.
    kept = {folder.path(name) for name in result.ledger.names} - digests.keys()
    migrations = {folder.path(name) for name in result.drafts.keys() | old.ledger.names}
    changes = [
        Change("keep", path, None, None, is_migration=path in migrations)
        if written.get(path) == file.digest
        else replace(_change(path, file, old.files, folders), is_migration=path in migrations)
        for path, file in wanted.items()
    ]
    # A migration that was found under another name is ours to remove, though the manifest has lost it.
    known = dict(old.files) | _digests(before.target, result.moved)
    changes += [
        replace(change, is_migration=change.path in migrations)
        for change in _leftovers(known.keys() - digests.keys() - kept, known, folders)
    ]
    listed = digests | {path: old.files[path] for path in kept if path in old.files}
    new = Manifest(tool_version(), listed, shapes(rendered), result.ledger)
    manifest = _manifest_change(before.manifest_path, before.manifest_bytes, old, new)
    return (*sorted(changes, key=lambda change: change.path), manifest), digests


def _wanted(before: _Before, rendered: Rendered, result: NextLedger) -> dict[str, RenderedFile]:
    """All files that are to be there, by path in the project."""
    folders, target = before.folders, before.target
    # Joined as text: thousands of pure paths take a tenth of a second.
    out = "" if folders.out == PurePosixPath() else f"{folders.out}/"
    wanted = {f"{out}{file.path}": file for file in rendered.files}
    wanted |= {target.folder.path(name): file for name, file in result.drafts.items()}
    return wanted | _package(target, before.manifest.files)


def prepare(config: Config) -> None:
    """Read what every plan starts from, while there is nothing else to do. Says nothing: the plan will."""
    with suppress(WriteError):
        _written(Folders.of(config))


def _written(folders: Folders) -> tuple[str, bytes | None, Manifest]:
    """Where the manifest is, its bytes, and what it tells. Raises WriteError for a broken one."""
    path = (folders.out / NAME).as_posix()
    content = folders.read(path)
    return path, content, Manifest(tool_version()) if content is None else decode_merged(content, path)


def check_shapes(analysis: Analysis, config: Config, findings: Findings) -> None:
    """401 and 317: released shapes that are changed or gone. Raises WriteError for a broken manifest."""
    _, content, manifest = _written(Folders.of(config))
    if content is not None:
        changed_shapes(manifest.ledger, analysis, findings)
        gone_versions(manifest.ledger, analysis, findings)


def _target(config: Config, folders: Folders, ledger: Ledger, now: datetime) -> MigrationTarget:
    """Raises WriteError when the style changed although migrations were shipped in another one."""
    style = style_of(config.style)
    for entry in ledger.entries:
        if entry.shipped and entry.style != style.name:
            raise WriteError(
                f"style is {style.name!r}, but the shipped {entry.name} is of style {entry.style!r}",
                help=f'set style = "{entry.style}" in [tool.pgflow-gen]: after a release it cannot change',
            )
    return MigrationTarget(
        style, MigrationsFolder.of(folders, style.suffix), now, style.app(folders.root / folders.migrations)
    )


def _digests(target: MigrationTarget, names: frozenset[str]) -> dict[str, str]:
    return {target.folder.path(name): digest(target.folder.text(name).encode()) for name in names}


def _package(target: MigrationTarget, known: Mapping[str, str]) -> dict[str, RenderedFile]:
    """Some tools take no folder without an ``__init__.py``; one that is there already is not ours."""
    if not target.style.is_package:
        return {}
    path = target.folder.path("__init__.py")
    is_ours = path in known or target.folder.folders.read(path) is None
    return {path: RenderedFile.of(path, "")} if is_ours else {}


def _conflict(path: str, findings: Findings) -> None:
    findings.add(
        "PGF402",
        Span.file(path),
        "two branches wrote migrations, and git could not merge what is told of them here",
        help="run `pgflow-gen build --renumber`: it takes both sides, and gives drafts numbers of their own",
    )


def _change(path: str, file: RenderedFile, known: Mapping[str, str], folders: Folders) -> Change:
    old = folders.read(path)
    if old is None:
        return Change("create", path, None, file.content, was_written=path in known)
    found = digest(old)
    if found == file.digest:
        return Change("keep", path, None, None)
    if path not in known and not _looks_generated(old):
        raise WriteError(
            f"{path} exists and was not written by pgflow-gen",
            help="move it away, or set another folder in [tool.pgflow-gen]",
        )
    is_edited = known.get(path, found) != found and not has_conflict(old)
    return Change("change", path, old, file.content, is_edited, was_written=path in known)


def _looks_generated(content: bytes) -> bool:
    """Ours although the manifest does not say so (it was lost): a file names its maker, or is empty."""
    return not content.strip() or b"enerated by pgflow-gen" in content or b'"x-pgflow"' in content


def _leftovers(paths: set[str], known: Mapping[str, str], folders: Folders) -> list[Change]:
    """Files of ours that no flow asks for any more. An edited one is reported, but stays."""
    found: list[Change] = []
    for path in sorted(paths):
        if not folders.holds(path):
            continue  # written when the configuration named other folders: not ours to touch now
        old = folders.read(path)
        if old is not None:
            is_edited = digest(old) != known[path] and not has_conflict(old)
            found.append(Change("delete", path, old, None, is_edited, was_written=True))
    return found


def _manifest_change(path: str, old_bytes: bytes | None, old: Manifest, new: Manifest) -> Change:
    """A new version of the tool alone is no reason to write the manifest."""
    content = new.encode()
    if old_bytes is None:
        return Change("create", path, None, content)
    is_other_tool = new.tool_version != old.tool_version
    unchanged = replace(new, tool_version=old.tool_version).encode() if is_other_tool else content
    if same(unchanged, old_bytes):
        return Change("keep", path, None, None)
    return Change("change", path, old_bytes, content)
