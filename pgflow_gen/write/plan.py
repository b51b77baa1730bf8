"""What a build would do to the disk: create, change, delete or keep each file of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from pgflow_gen.config import Config
from pgflow_gen.render.rendered import Rendered
from pgflow_gen.write.digest import digest, same
from pgflow_gen.write.errors import WriteError
from pgflow_gen.write.folders import Folders
from pgflow_gen.write.ledger import advance, contradictions
from pgflow_gen.write.manifest import NAME, Manifest, decode, shapes, tool_version

ChangeKind: TypeAlias = Literal["create", "change", "delete", "keep"]


@dataclass(frozen=True, slots=True)
class Change:
    """One file; ``path`` is POSIX and relative to the project. ``is_edited``: not as it was written by us."""

    kind: ChangeKind
    path: str
    old: bytes | None
    new: bytes | None
    is_edited: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All files, sorted by path, the manifest last: it tells of the others."""

    folders: Folders
    changes: tuple[Change, ...]

    @property
    def is_clean(self) -> bool:
        return all(change.kind == "keep" for change in self.changes)

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind != "keep")


def make_plan(rendered: Rendered, config: Config) -> Plan:
    """Compare ``rendered``, and the migrations that follow from it, with the disk. Writes nothing.

    Raises WriteError when a folder cannot be used, or a file that is not ours stands in the way.
    """
    folders = Folders.of(config)
    manifest_path = (folders.out / NAME).as_posix()
    old_bytes = folders.read(manifest_path)
    old = decode(old_bytes, manifest_path) if old_bytes is not None else Manifest(tool_version())
    for message, way_out in contradictions(old.ledger, rendered.analysis):
        raise WriteError(message, help=way_out)
    ledger, drafts = advance(old.ledger, rendered.analysis, folders.migration_names())
    wanted = {(folders.out / file.path).as_posix(): file.content for file in rendered.files}
    wanted |= {(folders.migrations / name).as_posix(): text for name, text in drafts.items()}
    kept = {(folders.migrations / entry.name).as_posix() for entry in ledger.entries} - wanted.keys()
    changes = [_change(path, content, old.files, folders) for path, content in wanted.items()]
    changes += _leftovers({*old.files} - {*wanted} - kept, old.files, folders)
    hashes = {path: digest(content) for path, content in wanted.items()}
    hashes |= {path: old.files[path] for path in kept if path in old.files}
    new = Manifest(tool_version(), hashes, shapes(rendered.analysis), ledger)
    ordered = sorted(changes, key=lambda change: change.path)
    return Plan(folders, (*ordered, _manifest_change(manifest_path, old_bytes, old, new)))


def _change(path: str, content: bytes, known: Mapping[str, str], folders: Folders) -> Change:
    old = folders.read(path)
    if old is None:
        return Change("create", path, None, content)
    if same(old, content):
        return Change("keep", path, old, content)
    if path not in known and not _looks_generated(old):
        raise WriteError(
            f"{path} exists and was not written by pgflow-gen",
            help="move it away, or set another folder in [tool.pgflow-gen]",
        )
    return Change("change", path, old, content, is_edited=known.get(path, digest(old)) != digest(old))


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
            found.append(Change("delete", path, old, None, is_edited=digest(old) != known[path]))
    return found


def _manifest_change(path: str, old_bytes: bytes | None, old: Manifest, new: Manifest) -> Change:
    """A new version of the tool alone is no reason to write the manifest."""
    content = new.encode()
    if old_bytes is None:
        return Change("create", path, None, content)
    if same(replace(new, tool_version=old.tool_version).encode(), old_bytes):
        return Change("keep", path, old_bytes, old_bytes)
    return Change("change", path, old_bytes, content)
