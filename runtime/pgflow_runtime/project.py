"""Where a project keeps things, as the database commands see it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pgflow_runtime.errors import ProjectError
from pgflow_shared.project import MIGRATIONS, SCHEMAS, Unusable, nearest


@dataclass(frozen=True, slots=True)
class Project:
    """Absolute paths of a project, defaults filled in (specification/language.md, "The project")."""

    root: Path
    out: Path
    src: tuple[Path, ...]
    migrations: Path
    style: str
    roles: bool = False
    """Whether ``migrate`` sets up the roles."""

    @property
    def schemas(self) -> Path:
        """The folder of the flows' contracts."""
        return self.out / SCHEMAS

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

    ``generated`` (``--generated``), then PGFLOW_GENERATED, override ``out``, relative to ``start``.
    Raises ProjectError for a pyproject.toml that cannot be read and for values of the wrong type.
    """
    here = (start or Path.cwd()).resolve()
    override = generated or env.get("PGFLOW_GENERATED")
    try:
        said = nearest(here)
        out = here / override if override else said.root / said.out
        return Project(
            root=said.root,
            out=out,
            src=tuple(said.root / entry for entry in said.src),
            migrations=out / MIGRATIONS if said.migrations is None else said.root / said.migrations,
            style=said.style,
            roles=said.roles,
        )
    except Unusable as error:
        raise ProjectError(error.message, help=error.help) from error
