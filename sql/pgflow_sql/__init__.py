"""The SQL core as data: schema files (the core, one object a file) and migrations (how it gets installed)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["SCHEMA_VERSION", "SqlFile", "closing_files", "migration_files", "schema_files"]

CLOSING = ("98_settings", "99_privileges")
"""Folders of the schema that are applied anew after every migration: what ``create or replace`` resets."""


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file of SQL.

    Attributes:
        name: path within its folder, for example ``30_definition/create_flow.sql`` of the schema or
            ``0001_core.sql`` of the migrations; files apply in the order of their names.
        text: the whole content.
    """

    name: str
    text: str

    @property
    def folder(self) -> str:
        """The folder of a schema file, ``30_definition``; empty for a migration."""
        return self.name.rpartition("/")[0]


def schema_files() -> tuple[SqlFile, ...]:
    """The whole core as it is now, in the order in which an empty database has to load it."""
    return _read("schema")


def closing_files() -> tuple[SqlFile, ...]:
    """What is applied after every migration: the functions' settings, and what nobody may do."""
    return tuple(file for file in schema_files() if file.folder in CLOSING)


def migration_files() -> tuple[SqlFile, ...]:
    """What installs and upgrades the core, oldest first; applied all, they equal `schema_files`."""
    return _read("migrations")


def _read(folder: str) -> tuple[SqlFile, ...]:
    found = _entries(files(__name__).joinpath(folder), "")
    return tuple(SqlFile(name, entry.read_text(encoding="utf-8")) for name, entry in sorted(found))


def _entries(folder: Traversable, above: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _entries(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(".sql"):
            yield above + entry.name, entry


SCHEMA_VERSION: int = max(
    int(name.split("_", 1)[0]) for name, _ in _entries(files(__name__).joinpath("migrations"), "")
)
"""Number of the last migration; what ``pgflow.schema_version()`` returns once all are applied."""
