"""Where a project keeps things: ``[tool.pgflow-gen]`` of the nearest pyproject.toml, read at run time.

The compiler judges the table strictly; here only what the database commands need is read.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgflow_runtime.errors import ProjectError
from pgflow_shared.files import read_text


@dataclass(frozen=True, slots=True)
class Project:
    """Absolute paths of a project, defaults filled in (specification/language.md, "The project")."""

    root: Path
    out: Path
    src: tuple[Path, ...]
    migrations: Path
    style: str

    @property
    def schemas(self) -> Path:
        """The folder of the flows' contracts."""
        return self.out / "schemas"

    def put_on_path(self) -> None:
        """Put the project root and the ``src`` roots first on ``sys.path``, in this order, each once."""
        wanted = list(dict.fromkeys(str(path) for path in (self.root, *self.src)))
        sys.path[:] = wanted + [entry for entry in sys.path if entry not in wanted]

    def module_names(self) -> set[str]:
        """What can be imported from the project itself: the names of its top-level modules and packages."""
        found = set()
        for folder in {self.root, *self.src}:
            for path in folder.iterdir() if folder.is_dir() else ():
                name = path.stem if path.suffix == ".py" else path.name
                if name.isidentifier() and (path.suffix == ".py" or path.is_dir()):
                    found.add(name)
        return found


def find_project(
    start: Path | None = None, *, generated: str | None = None, env: Mapping[str, str] = os.environ
) -> Project:
    """The project ``start`` (default: the working directory) lies in.

    The nearest pyproject.toml with our table wins, else the nearest one, else ``start`` itself with all
    defaults. ``generated`` (``--generated``), then PGFLOW_GENERATED, override ``out``, relative to ``start``.
    Raises ProjectError for a file that cannot be read and for values of the wrong type.
    """
    here = (start or Path.cwd()).resolve()
    root, table = _nearest(here)
    out = root / _text(table, "out", "generated", root)
    override = generated or env.get("PGFLOW_GENERATED")
    if override:
        out = here / override
    migrations = table.get("migrations")
    return Project(
        root=root,
        out=out,
        src=tuple(root / entry for entry in _texts(table, "src", ["."], root)),
        migrations=out / "migrations" if migrations is None else root / _text(table, "migrations", "", root),
        style=_text(table, "style", "plain", root),
    )


def _nearest(here: Path) -> tuple[Path, Mapping[str, Any]]:
    first: Path | None = None
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        tool = _read(path).get("tool", {})
        if isinstance(tool, dict) and isinstance(tool.get("pgflow-gen"), dict):
            return folder, tool["pgflow-gen"]
        first = first or folder
    return first or here, {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} cannot be read: {error}", help="correct the file") from error


def _text(table: Mapping[str, Any], key: str, default: str, root: Path) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise ProjectError(
            f"[tool.pgflow-gen] {key} in {root / 'pyproject.toml'} must be a string, got {value!r}",
            help=f'write {key} = "{default}"',
        )
    return value


def _texts(table: Mapping[str, Any], key: str, default: list[str], root: Path) -> list[str]:
    value = table.get(key, default)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProjectError(
            f"[tool.pgflow-gen] {key} in {root / 'pyproject.toml'} must be a list of strings, got {value!r}",
            help=f"write {key} = {default!r}",
        )
    return value
