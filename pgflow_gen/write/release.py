"""Marking drafts as shipped: from then on they are history."""

from __future__ import annotations

from dataclasses import replace

from pgflow_gen.config import Config
from pgflow_gen.write.apply import write_file
from pgflow_gen.write.folders import Folders
from pgflow_gen.write.manifest import NAME, Manifest, decode


def drafts(config: Config) -> tuple[str, ...]:
    """Paths of the migrations that are drafts, relative to the project, in their order.

    Raises WriteError for a manifest that cannot be read.
    """
    folders, _, manifest = _read(config)
    return tuple((folders.migrations / entry.name).as_posix() for entry in manifest.ledger.drafts)


def release(config: Config) -> tuple[str, ...]:
    """Mark all drafts as shipped in the manifest; returns their paths. Raises WriteError."""
    folders, path, manifest = _read(config)
    marked = drafts(config)
    if marked:
        released = replace(manifest, ledger=manifest.ledger.released())
        write_file(folders, path, released.encode())
    return marked


def _read(config: Config) -> tuple[Folders, str, Manifest]:
    folders = Folders.of(config)
    path = (folders.out / NAME).as_posix()
    content = folders.read(path)
    return folders, path, decode(content, path) if content is not None else Manifest("")
