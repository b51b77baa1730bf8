"""``[tool.pgflow-gen]`` in pyproject.toml: where flows are, where imports start, where output goes.

A wrong configuration stops everything before a file is read: it is an exception, not a finding.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.project import (
    CLIENT_TYPES,
    FLOWS,
    KEYS,
    MIGRATIONS,
    OUT,
    SECTION,
    SRC,
    STYLE,
    ProjectTable,
    Unusable,
    nearest,
    posix,
    read,
)
from pgflow_shared.styles import NAMES as STYLE_NAMES
from pgflow_shared.text import closest


class ConfigError(Exception):
    """The configuration cannot be used. ``help`` says what to do about it."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class Config:
    """The project and its settings; every path but ``root`` is POSIX and relative to ``root``."""

    root: Path
    """Absolute and resolved: the folder of the pyproject.toml, or the start folder without one."""
    flows: tuple[str, ...] = FLOWS
    """Folders, files or globs."""
    src: tuple[str, ...] = SRC
    """Import roots, in the order they are searched."""
    out: str = OUT
    migrations: str = f"{OUT}/{MIGRATIONS}"
    style: str = STYLE
    client_types: str = CLIENT_TYPES[0]
    roles: bool = False
    """What `migrate` does; nothing of a build's."""

    @property
    def is_native(self) -> bool:
        """Whether callers have the classes of handlers."""
        return self.client_types == "native"


def load_config(start: Path, *, pyproject: Path | None = None) -> Config:
    """The configuration for ``start``: of ``pyproject``, else of the project that ``start`` lies in.

    Raises ConfigError.
    """
    try:
        return _judged(nearest(start) if pyproject is None else read(pyproject))
    except Unusable as error:
        raise ConfigError(error.message, error.help) from None


def _judged(project: ProjectTable) -> Config:
    """The settings of a project, each held to what a build can do with it."""
    for key in project.table:
        if key not in KEYS:
            guess = closest(key, KEYS)
            raise ConfigError(
                f"{project.file}: unknown key {key!r} in [{SECTION}]",
                f"did you mean {guess!r}?" if guess else f"known keys are {', '.join(KEYS)}",
            )
    out = _inside(project, "out", project.out)
    if project.style not in STYLE_NAMES:
        guess = closest(project.style, STYLE_NAMES)
        known = f"known styles are {', '.join(STYLE_NAMES)}"
        raise ConfigError(
            f"{project.file}: {SECTION}.style: unknown style {project.style!r}",
            f"did you mean {guess!r}?" if guess else known,
        )
    if project.client_types not in CLIENT_TYPES:
        guess = closest(project.client_types, CLIENT_TYPES)
        raise ConfigError(
            f"{project.file}: {SECTION}.client_types: unknown word {project.client_types!r}",
            f"did you mean {guess!r}?" if guess else f"write one of {', '.join(CLIENT_TYPES)}",
        )
    return Config(
        root=project.root,
        flows=project.flows,
        src=tuple(_source_root(project, item) for item in project.src),
        out=out,
        migrations=_inside(project, "migrations", project.migrations or f"{out}/{MIGRATIONS}"),
        style=project.style,
        client_types=project.client_types,
        roles=project.roles,
    )


def _inside(project: ProjectTable, key: str, text: str) -> str:
    """``text`` as a normalised path below the root; what we write and delete stays in the project."""
    normal = PurePosixPath(os.path.normpath(posix(text))).as_posix()
    if normal.startswith(("/", "../")) or normal in {".", ".."} or normal[1:2] == ":":
        raise ConfigError(
            f"{project.file}: {SECTION}.{key} must be a folder inside the project, not {text!r}",
            f'write a path relative to the pyproject.toml, for example {key} = "{OUT}"',
        )
    return normal


def _source_root(project: ProjectTable, text: str) -> str:
    if not (project.root / text).is_dir():
        raise ConfigError(
            f"{project.file}: {SECTION}.src: there is no folder {text!r}",
            "src lists the folders imports start from, relative to the pyproject.toml",
        )
    return PurePosixPath(os.path.normpath(text)).as_posix()
