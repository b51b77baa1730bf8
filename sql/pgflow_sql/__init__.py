"""The SQL core as data: schema files (the core, one object a file) and migrations (how it gets installed)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["SCHEMA_VERSION", "SqlFile", "migration_files", "schema_files"]


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file of SQL.

    Attributes:
        name: file name, for example ``0110_create_flow.sql``; files apply in the order of their names.
        text: the whole content.
    """

    name: str
    text: str


def schema_files() -> tuple[SqlFile, ...]:
    """The whole core as it is now, in the order in which an empty database has to load it."""
    return _read("schema")


def migration_files() -> tuple[SqlFile, ...]:
    """What installs and upgrades the core, oldest first; applied all, they equal `schema_files`."""
    return _read("migrations")


def _read(folder: str) -> tuple[SqlFile, ...]:
    return tuple(SqlFile(entry.name, entry.read_text(encoding="utf-8")) for entry in _entries(folder))


def _entries(folder: str) -> list[Traversable]:
    found = (entry for entry in files(__name__).joinpath(folder).iterdir() if entry.name.endswith(".sql"))
    return sorted(found, key=lambda entry: entry.name)


SCHEMA_VERSION: int = int(_entries("migrations")[-1].name.split("_", 1)[0])
"""Number of the last migration; what ``pgflow.schema_version()`` returns once all are applied."""
