"""Which files may hold flows: the ``flows`` entries of the configuration, expanded in a fixed order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from pgflow_gen.config import Config, ConfigError
from pgflow_gen.source.identifiers import normal
from pgflow_shared import companions
from pgflow_shared.kinds import DECORATORS
from pgflow_shared.project import SECTION

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
_GLOB = re.compile(r"[*?\[]")
_DECORATOR = re.compile(rf"\.[\s\\]*(?:{'|'.join((*DECORATORS, *companions.DECORATORS))})\b")
_SCHEDULE = re.compile(r"\.[\s\\]*schedule\b")


def discover(config: Config) -> tuple[Path, ...]:
    """All Python files the configuration names, each once, sorted by path below the root.

    Hidden files and folders, ``__pycache__``, virtual environments and the output folder are left out of
    folders and globs. Symbolic links are followed, after everything that is really there: a file reached
    twice counts once, under its own path. Raises ConfigError for an entry that names nothing.
    """
    found: dict[str, str] = {}
    for entry in config.flows:
        files = list(_expand(config, entry))
        if not files and not (config.root / entry).is_dir():
            raise ConfigError(
                f"[{SECTION}] flows: {entry!r} matches no Python file or folder in {config.root}",
                "`pgflow-gen init` makes a project; or name your flows' folder with flows = [...] in"
                " pyproject.toml",
            )
        for file, real in files:
            if real not in found or file == real:
                found[real] = file
    return tuple(map(Path, sorted(found.values(), key=lambda file: file.replace(os.sep, "/"))))


def may_hold_flows(text: str) -> bool:
    """The textual rule: False only for a file that cannot define a flow, a step or a schedule."""
    text = normal(text)
    if "pgflow_runtime" in text or _SCHEDULE.search(text) is not None:
        return True
    return "@" in text and _DECORATOR.search(text) is not None


_Found: TypeAlias = tuple[str, str]
"""A file's absolute path, and where it really is."""


def _expand(config: Config, entry: str) -> Iterator[_Found]:
    target = Path(os.path.normpath(config.root / entry))
    if target.is_dir():
        yield from _walk(config, target)
    elif target.is_file():
        yield _found(target)
    elif _GLOB.search(entry):
        try:
            matches = sorted(config.root.glob(entry))
        except (ValueError, NotImplementedError) as error:
            raise ConfigError(f"[{SECTION}] flows: {entry!r} is not a usable glob: {error}") from None
        for match in matches:
            if _is_below_skipped(config, match):
                continue
            if match.is_dir() and not _is_skipped(config, match):
                yield from _walk(config, match)
            elif _is_source(match):
                yield _found(match)


def _found(file: Path) -> _Found:
    return os.fspath(file), os.path.realpath(file)


def _is_below_skipped(config: Config, match: Path) -> bool:
    """Whether a folder between the root and a glob's match is one that walks leave out."""
    between = match.relative_to(config.root).parts[:-1]
    folders = (config.root.joinpath(*between[: depth + 1]) for depth in range(len(between)))
    return any(_is_skipped(config, folder) for folder in folders)


def _is_skipped(config: Config, folder: Path) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in _SKIPPED_FOLDERS
        or folder == config.root / config.out
        or (folder / "pyvenv.cfg").exists()
    )


def _is_source(file: Path) -> bool:
    """Whether to read ``file``; a dangling link is read too, which then says what is wrong with it."""
    if not _is_named_source(file.name):
        return False
    return file.is_file() or (file.is_symlink() and not file.exists())


def _is_named_source(name: str) -> bool:
    return name.endswith(".py") and not name.startswith(".")


def _walk(config: Config, top: Path) -> Iterator[_Found]:
    """Python files below ``top``; each real folder is entered once, so links may go round in circles."""
    entered: set[str] = set()
    waiting, links = [top], list[Path]()
    while waiting or links:
        folder = waiting.pop() if waiting else links.pop(0)
        real = os.path.realpath(folder)
        if real in entered:
            continue
        entered.add(real)
        for item in _children(folder):
            if _is_folder(item):
                if not _is_skipped(config, Path(item.path)):
                    (links if item.is_symlink() else waiting).append(Path(item.path))
            elif item.is_symlink() and _is_source(Path(item.path)):
                yield _found(Path(item.path))
            elif _is_named_source(item.name) and item.is_file():
                yield item.path, os.path.join(real, item.name)


def _is_folder(item: os.DirEntry[str]) -> bool:
    """No, for links that lead round in a circle."""
    try:
        return item.is_dir()
    except OSError:
        return False


def _children(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return sorted(items, key=lambda item: item.name)
    except OSError as error:
        raise ConfigError(f"cannot read the folder {folder}: {error.strerror or error}") from None
