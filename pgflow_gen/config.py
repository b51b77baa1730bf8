"""``[tool.pgflow-gen]`` in pyproject.toml: where flows are, where imports start, where output goes.

A wrong configuration stops everything before a file is read: it is an exception, not a finding.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pgflow_shared.files import NotText, read_text
from pgflow_shared.styles import NAMES as STYLE_NAMES
from pgflow_shared.text import closest

SECTION = "tool.pgflow-gen"
KEYS = ("flows", "src", "out", "migrations", "style")


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
    flows: tuple[str, ...] = ("flows",)
    """Folders, files or globs."""
    src: tuple[str, ...] = (".",)
    """Import roots, in the order they are searched."""
    out: str = "generated"
    migrations: str = "generated/migrations"
    style: str = "plain"


def load_config(start: Path, *, pyproject: Path | None = None) -> Config:
    """The configuration for ``start``: of ``pyproject``, else of the pyproject.toml above ``start``.

    Upward from ``start`` the first pyproject.toml with ``[tool.pgflow-gen]`` is taken, else the first
    one at all, else the defaults with ``start`` as the root. Raises ConfigError.
    """
    if pyproject is not None:
        table = _section(pyproject)
        return _build(pyproject.resolve().parent, pyproject, table or {})
    start = start.resolve()
    nearest: Path | None = None
    for folder in (start, *start.parents):
        candidate = folder / "pyproject.toml"
        if not candidate.is_file():
            continue
        table = _section(candidate)
        if table is not None:
            return _build(folder, candidate, table)
        nearest = nearest or candidate
    return Config(nearest.parent if nearest is not None else start)


def _section(path: Path) -> Mapping[str, object] | None:
    """The table ``[tool.pgflow-gen]`` of a pyproject.toml, None when it has none."""
    try:
        data = tomllib.loads(read_text(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None
    except NotText as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    tool = data.get("tool", {})
    section = tool.get("pgflow-gen") if isinstance(tool, dict) else None
    if section is None:
        return None
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: {SECTION} must be a table", f"write [{SECTION}] on a line of its own")
    return section


def _build(root: Path, path: Path, table: Mapping[str, object]) -> Config:
    for key in table:
        if key not in KEYS:
            guess = closest(key, KEYS)
            raise ConfigError(
                f"{path}: unknown key {key!r} in [{SECTION}]",
                f"did you mean {guess!r}?" if guess else f"known keys are {', '.join(KEYS)}",
            )
    out = _inside(path, "out", _text(path, table, "out", "generated"))
    style = _text(path, table, "style", "plain")
    if style not in STYLE_NAMES:
        guess = closest(style, STYLE_NAMES)
        known = f"known styles are {', '.join(STYLE_NAMES)}"
        raise ConfigError(
            f"{path}: {SECTION}.style: unknown style {style!r}",
            f"did you mean {guess!r}?" if guess else known,
        )
    return Config(
        root=root,
        flows=_texts(path, table, "flows", ("flows",)),
        src=tuple(_source_root(path, root, item) for item in _texts(path, table, "src", (".",))),
        out=out,
        migrations=_inside(path, "migrations", _text(path, table, "migrations", f"{out}/migrations")),
        style=style,
    )


def _text(path: Path, table: Mapping[str, object], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ConfigError(f"{path}: {SECTION}.{key} must be a string", f'for example {key} = "{default}"')
    return value


def _texts(path: Path, table: Mapping[str, object], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = table.get(key, list(default))
    wanted = f'for example {key} = ["{default[0]}"]'
    if not isinstance(value, list) or not value:
        raise ConfigError(f"{path}: {SECTION}.{key} must be a list of strings", wanted)
    for item in value:
        if not isinstance(item, str) or not item.strip() or "\0" in item:
            raise ConfigError(f"{path}: {SECTION}.{key} must hold strings, not {item!r}", wanted)
    return tuple(dict.fromkeys(_posix(item) for item in value))


def _posix(text: str) -> str:
    return PurePosixPath(text.replace("\\", "/")).as_posix()


def _inside(path: Path, key: str, text: str) -> str:
    """``text`` as a normalised path below the root; what we write and delete stays in the project."""
    normal = PurePosixPath(os.path.normpath(_posix(text))).as_posix()
    if normal.startswith(("/", "../")) or normal in {".", ".."} or normal[1:2] == ":":
        raise ConfigError(
            f"{path}: {SECTION}.{key} must be a folder inside the project, not {text!r}",
            f'write a path relative to the pyproject.toml, for example {key} = "generated"',
        )
    return normal


def _source_root(path: Path, root: Path, text: str) -> str:
    if not (root / text).is_dir():
        raise ConfigError(
            f"{path}: {SECTION}.src: there is no folder {text!r}",
            "src lists the folders imports start from, relative to the pyproject.toml",
        )
    return PurePosixPath(os.path.normpath(text)).as_posix()
