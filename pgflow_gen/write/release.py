"""Marking drafts as shipped: from then on they are history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from pgflow_gen.config import Config
from pgflow_gen.write.apply import write_file
from pgflow_gen.write.changes.types import stored_types
from pgflow_gen.write.folders import Folders
from pgflow_gen.write.manifest import NAME, Manifest, decode
from pgflow_shared.project import SCHEMAS


def drafts(config: Config) -> tuple[str, ...]:
    """Paths of the migrations that are drafts, relative to the project, in their order.

    Raises WriteError for a manifest that cannot be read.
    """
    folders, _, manifest = _read(config)
    return tuple((folders.migrations / entry.name).as_posix() for entry in manifest.ledger.drafts)


def release(config: Config) -> tuple[str, ...]:
    """Mark all drafts as shipped in the manifest, and note all flows' types; returns the drafts' paths.

    Raises WriteError.
    """
    folders, path, manifest = _read(config)
    marked = drafts(config)
    ledger = manifest.ledger.released(_types(folders, manifest))
    if ledger != manifest.ledger:
        write_file(folders, path, replace(manifest, ledger=ledger).encode())
    return marked


def _types(folders: Folders, manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    """What each flow's runs store, by its slug in the database, of the contracts as they are generated."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in manifest.files:
        if PurePosixPath(name).parent != folders.out / SCHEMAS:
            continue
        content = folders.read(name)
        if content is not None:
            found[json.loads(content)["x-pgflow"]["slug"]] = stored_types(content)
    return found


def _read(config: Config) -> tuple[Folders, str, Manifest]:
    folders = Folders.of(config)
    path = (folders.out / NAME).as_posix()
    content = folders.read(path)
    return folders, path, decode(content, path) if content is not None else Manifest("")
