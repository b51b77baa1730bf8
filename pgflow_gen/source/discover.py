"""Which files may hold flows: the ``flows`` entries of the configuration, expanded in a fixed order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pgflow_gen.config import SECTION, Config, ConfigError

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
_GLOB = re.compile(r"[*?\[]")
_DECORATOR = re.compile(r"\.[\s\\]*(?:step|array|map)\b")


def discover(config: Config) -> tuple[Path, ...]:
    """All Python files the configuration names, each once, sorted by path below the root.

    Hidden folders, ``__pycache__``, virtual environments and the output folder are left out of folders
    and globs; symbolic links are followed, a file reached twice counts once. Raises ConfigError for an
    entry that names nothing.
    """
    found: dict[Path, Path] = {}
    for entry in config.flows:
        files = list(_expand(config, entry))
        if not files and not (config.root / entry).is_dir():
            raise ConfigError(
                f"[{SECTION}] flows: {entry!r} matches no Python file or folder in {config.root}",
                "create it, or name your flows' folder with flows = [...] in pyproject.toml",
            )
        for file in files:
            real = file.resolve()
            found[real] = min(
                found.get(real, file), file, key=lambda item: (len(item.parts), item.as_posix())
            )
    return tuple(sorted(found.values(), key=lambda file: file.as_posix()))


def may_hold_flows(text: str) -> bool:
    """The textual rule: False only for a file that cannot define a flow or a step."""
    return "pgflow_runtime" in text or ("@" in text and _DECORATOR.search(text) is not None)


def _expand(config: Config, entry: str) -> Iterator[Path]:
    target = config.root / entry
    if target.is_dir():
        yield from _walk(config, target)
    elif target.is_file():
        yield target
    elif _GLOB.search(entry):
        try:
            matches = sorted(config.root.glob(entry))
        except (ValueError, NotImplementedError) as error:
            raise ConfigError(f"[{SECTION}] flows: {entry!r} is not a usable glob: {error}") from None
        for match in matches:
            if match.is_dir():
                yield from _walk(config, match)
            elif match.suffix == ".py" and _is_wanted(config, match):
                yield match


def _is_wanted(config: Config, match: Path) -> bool:
    """Whether no folder between the root and a glob's match is one that walks leave out."""
    parents = [
        config.root.joinpath(*match.relative_to(config.root).parts[:depth])
        for depth in range(1, len(match.relative_to(config.root).parts))
    ]
    return not any(_is_skipped(config, folder) for folder in parents)


def _is_skipped(config: Config, folder: Path) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in _SKIPPED_FOLDERS
        or folder == config.root / config.out
        or (folder / "pyvenv.cfg").exists()
    )


def _walk(config: Config, top: Path) -> Iterator[Path]:
    """Python files below ``top``, in order of name; each real folder is entered once, so links may loop."""
    entered: set[str] = set()
    for current, folders, files in os.walk(top, followlinks=True):
        real = os.path.realpath(current)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        here = Path(current)
        folders[:] = sorted(name for name in folders if not _is_skipped(config, here / name))
        yield from (here / name for name in sorted(files) if name.endswith(".py"))
